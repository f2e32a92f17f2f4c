/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One supervised process: how to start it, whether it runs, when it may start again. The supervisor owns the
 * struct and calls from its one thread; the parent-death signal follows the thread that forked.
 */
#pragma once
#include "base/loop.h"
#include "server/supervise/identity.h"

enum { CHILD_FDS_MAX = 2, CHILD_FD_FIRST = 3 };

enum child_state { CHILD_STOPPED, CHILD_RUNNING, CHILD_PAUSED };

struct child {
    const char *name;
    struct identity who;
    int death_signal; /* when the supervisor dies */
    /* In the new process, as its user, with fds at CHILD_FD_FIRST…: ends in exec; the return value is an exit code. */
    int (*run)(void *arg);
    void *arg;
    void *owner; /* for the callbacks */
    int fds[CHILD_FDS_MAX];
    size_t n_fds;
    void (*on_fork)(const struct child *child); /* in the new process, not yet as its user; may be NULL */
    void (*on_exit)(struct child *child);       /* before it is started again; may be NULL */
    void (*on_start)(struct child *child);      /* in the parent, after the fork; may be NULL */

    struct loop *loop;
    enum child_state state;
    bool wanted; /* start again when it ends */
    pid_t pid;
    int64_t started_ms;
    unsigned crashes; /* in a row, each soon after the start */
    struct loop_timer again;
};

/* Starts it and keeps it running. */
void child_start(struct child *c, struct loop *loop);
/* No more restarts; sends the signal if it runs. */
void child_stop(struct child *c, int signo);
void child_kill(const struct child *c, int signo);
/* What waitpid() said about its pid. */
void child_ended(struct child *c, int status);
static inline bool child_gone(const struct child *c)
{
    return c->state == CHILD_STOPPED;
}

/* Forks without supervision; for what runs once. Returns the pid or -errno. */
pid_t child_fork(const struct child *c) MUSTCHECK;
/* How long to wait before start number `crashes` in a row. */
int64_t child_pause_ms(unsigned crashes);
