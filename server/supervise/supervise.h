/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * `posternd serve`: starts the private PostgreSQL, core and the two fronts, starts each again when it ends, drains
 * them in order on SIGTERM. Children are this binary again with an internal verb, except PostgreSQL.
 */
#pragma once
#include "server/settings/settings.h"

/* Internal verbs; main.c maps them to functions. */
#define VERB_KEYS         "internal-keys"
#define VERB_CORE         "internal-core"
#define VERB_FRONT_PEOPLE "internal-front-people"
#define VERB_FRONT_AGENTS "internal-front-agents"
/* What a child finds open: core its end of the status pipe, a front its listening socket. */
enum { CHILD_STATUS_FD = 3, CHILD_LISTEN_FD = 3 };

/* Until SIGTERM or SIGINT; returns the exit code. */
int supervise(const struct settings *settings) MUSTCHECK;

/* For one-off commands: makes sure that the database answers, with a private PostgreSQL of our own for the time of
 * the command when posternd is not running. *pid = 0 when it was there. Returns 0 or -errno, logged. */
int database_borrow(const struct settings *settings, pid_t *pid) MUSTCHECK;
void database_return(pid_t pid);
