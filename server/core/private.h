/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Insides of core. The I/O thread owns fronts, calls and streams; a worker sees a call or a stream only
 * while its job runs, and hands it back with loop_post().
 */
#pragma once
#include "base/list.h"
#include "base/loop.h"
#include "base/map.h"
#include "server/core/core.h"
#include "server/core/hub_private.h"
#include "server/core/keys.h"
#include "server/db/pool.h"
#include "server/frame/frame.h"
#include <stdatomic.h>

struct periodic;

struct core {
    struct core_config config;
    struct loop *loop;
    struct pool *pool;
    struct hub *hub;
    struct core_keys keys;
    atomic_bool ready; /* migrated and started */
    bool stopping;
    bool greeted[2]; /* by the front of each enum listener */
    bool announced;
    struct loop_fd listener;
    struct list fronts, periodics;
    struct pool_job boot;
    struct loop_task booted;
    struct loop_timer boot_again, alive;
    int boot_result;
    uid_t front_uid;
};

/* One connected front. */
struct front {
    struct core *core;
    struct list link;
    struct loop_fd source;
    struct frame_reader in;
    struct frame_order order;
    struct buf out;
    struct map calls; /* by the 8 bytes of the stream id */
    enum listener listener;
};

/* A request from its frame to its final frame, through the life of a stream if it becomes one. */
struct call {
    struct core *core;
    struct front *front; /* NULL when it went away */
    uint64_t id;
    struct frame_stream order;
    struct arena arena; /* request and response; gone once a stream has started */
    struct request *req;
    struct response *res;
    atomic_bool cancelled;
    struct pool_job job;
    struct loop_task done;
    struct stream *stream;
};

/* --- core.c --- */
/* Tells the supervisor, once, when core serves and both fronts have said hello. */
void core_announce(struct core *core);

/* --- fronts.c --- */
int fronts_listen(struct core *core, const char *path) MUSTCHECK;
/* Closes the listener and every front; their calls are cancelled. */
void fronts_close(struct core *core);
/* Sends a frame of the call, dropped when its front is gone. */
void call_send(struct call *x, struct frame *f);
/* The call has had its final frame or its front is gone: forget it. */
void call_free(struct call *x);

/* --- call.c --- */
/* Takes a REQUEST frame: makes the call and gives it to a worker, or answers at once. */
void call_start(struct front *front, const struct frame_request *r, uint64_t id);
/* The caller went away. */
void call_cancel(struct call *x);

/* --- stream.c --- */
/* On the I/O thread, after the worker is done: starts sending, or closes it when nobody is there. */
void stream_begin(struct stream *s, struct call *x);
void stream_credit(struct stream *s);
void stream_cancel(struct stream *s);
