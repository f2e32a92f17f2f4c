/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Where posternd's processes keep things. Made by the supervisor while it may still change owners:
 *   DATA            core's: setup-token
 *   DATA/core       core only: sealed keys                      DATA/postgres   the database's user only
 *   DATA/front      made by core, read by front: TLS pair, device-ca.pem
 *   RUN             core's: core.sock, for front's group         RUN/pg          PostgreSQL's socket, for core's group
 */
#pragma once
#include "server/supervise/identity.h"
#include <limits.h>

struct paths {
    char core[PATH_MAX], front[PATH_MAX], postgres[PATH_MAX], run[PATH_MAX], pg_socket[PATH_MAX];
    char lock[PATH_MAX];
};

/* Checks and makes all of them. Refuses a data directory that others may read or that lies in a source tree.
 * Returns 0 or -errno after logging what is wrong. */
int paths_prepare(const struct settings *s, const struct identities *ids, struct paths *out) MUSTCHECK;
/* Only the names. */
int paths_name(const struct settings *s, struct paths *out) MUSTCHECK;
/* One supervisor for a data directory: an open file that holds the lock, or -EBUSY. */
int paths_lock(const struct paths *p) MUSTCHECK;
