/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The private PostgreSQL: made at first start, reachable only over a unix socket by core's user. The role `postern`
 * owns the database and is no superuser.
 */
#pragma once
#include "server/supervise/paths.h"

struct postgres {
    const char *dir; /* of which `data` holds the cluster */
    const char *socket_dir;
    const char *client; /* user that may connect as postern, besides root */
    gid_t client_group; /* may use the socket; the server's user must belong to it */
};

/* In a process of its own that runs as the database's user: makes the cluster when there is none, clears what a
 * killed predecessor left, becomes the server. Returns an exit code when that fails. */
int postgres_run(void *pg);
/* What core connects with. 0 or -ENAMETOOLONG. */
int postgres_conninfo(const struct settings *s, char *out, size_t cap) MUSTCHECK;
