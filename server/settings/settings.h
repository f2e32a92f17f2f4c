/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* posternd's settings, the same for all of its processes. Strings live as long as the process. */
#pragma once
#include "base/defs.h"

struct settings {
    const char *data_dir, *run_dir;
    const char *listen, *listen_agents;      /* address:port */
    const char *public_url, *agents_url;     /* what people and agents are told; NULL = made from the addresses */
    const char *tls_cert, *tls_key;          /* PEM files; NULL = the self-signed pair in the data dir */
    const char *user, *front_user, *db_user; /* uids of core, front and PostgreSQL when started as root */
    const char *database_url;                /* NULL = private PostgreSQL */
};

/* For the children: POSTERN_*, which their command lines read first. */
void settings_to_env(const struct settings *s);
/* "dir/name" in out; NULL when it does not fit. */
const char *settings_path(char *out, size_t cap, const char *dir, const char *name);
/* Gives a file the group of its directory, so that the processes which share that may use it. 0 or -errno. */
int group_of_dir(const char *path) MUSTCHECK;
