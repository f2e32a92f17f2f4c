/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's unix socket: everybody may connect (0666), the kernel says who they are (SO_PEERCRED). One request per
 * connection, then replies until a final one. A guest is valid until its final reply or until `on_gone` says that it
 * left; the control owns guests. Never blocks.
 */
#pragma once
#include "base/loop.h"
#include "client/local.h"
#include <sys/types.h>

struct guest {
    struct loop_fd source;
    struct loop_timer patience; /* for its request */
    struct control *control;
    struct list link;
    uid_t uid;
    struct buf in, out;
    enum local_verb verb;
    bool asked, finished;
    /* For the handler: what this guest waits for. */
    int64_t until_ms;
    char told[256];
};

struct control {
    struct loop_fd source;
    struct loop *loop;
    struct list guests;
    size_t n_guests;
    char path[108];
    void (*on_request)(void *arg, struct guest *g, const struct local_request *request);
    void (*on_gone)(void *arg, struct guest *g);
    void *arg;
};

/* The caller has set the callbacks and arg. Returns 0 or -errno; -EADDRINUSE when another daemon listens there. */
int control_open(struct control *c, struct loop *loop, const char *run_dir) MUSTCHECK;
void control_close(struct control *c);

/* A line of progress; the same text as before is not repeated. */
void guest_tell(struct guest *g, const char *text);
/* The last reply; the guest must not be used afterwards. */
void guest_finish(struct guest *g, struct local_reply *reply);
void guest_end(struct guest *g, int exit, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The other end: connects to a daemon's socket; a descriptor or -errno (-ENOENT, -ECONNREFUSED: none runs). */
int control_connect(const char *run_dir) MUSTCHECK;
