/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a program that outlives us, and waiting for the socket that it will make. Private to
 * common/wireguard. */
#pragma once
#include "base/defs.h"
#include <sys/types.h>

struct spawn_watch {
    int fd; /* inotify on the directory of the socket */
};

/* Call before the program starts, so that no event is missed. Returns 0 or -errno. */
int spawn_watch_init(struct spawn_watch *w, const char *path) MUSTCHECK;
void spawn_watch_done(struct spawn_watch *w);
/* Returns 0 when something happened in the directory (look again), -ECHILD when the process ended,
 * -ETIMEDOUT. */
int spawn_watch_wait(struct spawn_watch *w, int pidfd, int64_t deadline_ms) MUSTCHECK;

/* Starts argv[0] from PATH in a session of its own: default signals, small environment, output appended to
 * log_path (NULL: discarded). Returns 0 or -errno; the caller closes *pidfd and reaps *pid. */
int spawn_detached(const char *const argv[], const char *log_path, pid_t *pid, int *pidfd) MUSTCHECK;
