/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: a unix socket (0600) in the run folder. A client writes one JSON record and a newline, gets one
 * JSON record and the end. The server never waits for a client for longer than a second.
 */
#pragma once
#include "base/buf.h"
#include "base/loop.h"

struct control {
    struct loop_fd source;
    char path[108];
    void (*answer)(void *arg, const char *command, struct buf *out);
    void *arg;
};

/* `answer` appends a record, or nothing when it does not know the command. Returns 0 or -errno. */
int control_open(struct control *c, struct loop *loop, const char *run_dir,
                 void (*answer)(void *arg, const char *command, struct buf *out), void *arg) MUSTCHECK;
void control_close(struct control *c);

/* Asks a running daemon. Returns 0 or -errno: -ENOENT and -ECONNREFUSED mean that none runs. */
int control_ask(const char *run_dir, const char *command, struct buf *answer) MUSTCHECK;
