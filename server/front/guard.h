/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Keeps Debian's libh2o 2.2.5, which is frozen upstream, alive under five known remote attacks: an assertion that a
 * slow reader can fire, HPACK field bombs, rapid reset, MadeYouReset and the CONTINUATION spin while draining. The
 * library calls its own exported functions through the PLT, so functions of the same name in our executable come
 * first and forward to the library's. That needs the layout of private structs: guard_selftest() tries all of it on
 * the library that is really loaded, and the front refuses to serve when it fails.
 */
#pragma once
#include "base/defs.h"
#include "server/front/h2o.h"

enum guard_kill { GUARD_HEADERS, GUARD_RESETS, GUARD_CONTINUATION, GUARD_KILL_END };

struct guard_stats {
    uint64_t kills[GUARD_KILL_END]; /* connections closed, by reason */
    uint64_t windows;               /* finished streams whose window was lifted off zero (the slow-reader assertion) */
    uint64_t bytes;                 /* payload of all HTTP/2 frames received */
};

/* What a connection has left of its resets. First member of what on_close.data of every HTTP socket points to. */
struct guard_conn {
    uint32_t magic;
    unsigned resets_left;
    bool killed;
    int64_t refilled_ms;
};

void guard_conn_init(struct guard_conn *c);
/* The guard's part of the connection behind a socket, NULL when the socket has none. */
struct guard_conn *guard_conn_of(h2o_socket_t *sock);
const struct guard_stats *guard_stats(void);
void guard_stats_reset(void);
const char *guard_kill_name(enum guard_kill kill);

/* Ends a connection from any place: the library notices the closed socket in its own time and tidies up itself. */
void guard_shutdown(h2o_socket_t *sock);

/* Finds the library's functions; 0 or -ENOSYS. */
int guard_init(void) MUSTCHECK;
/*
 * Runs each attack in small against a throw-away context on this thread and compares what the structs show with
 * what was sent. Returns 0, or -ENOTSUP after logging what is wrong.
 */
int guard_selftest(void) MUSTCHECK;

/* For the self-test: what the guard saw of the last stream that it passed to the library. */
struct guard_sight {
    const void *ctx, *sock, *conn, *req_conn;
    uint32_t stream_id, peer_window;
    ssize_t window_before, window_after;
    bool ended;
};
void guard_look(struct guard_sight *sight);
