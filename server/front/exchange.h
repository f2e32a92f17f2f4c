/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One request on its way through core. The h2o request may die under it at any time (the client resets) and core may
 * answer when nobody listens any more: an exchange lives until both are done with it, and counts against the budgets
 * until then.
 */
#pragma once
#include "base/arena.h"
#include "server/frame/frame.h"
#include "server/front/conn.h"

struct exchange {
    h2o_generator_t generator; /* first */
    struct front *front;
    struct conn *conn;
    h2o_req_t *req; /* NULL once h2o has disposed of it */
    uint64_t id;
    struct frame_stream stream;
    struct arena data; /* what h2o is sending */
    const char *request_id;
    bool started;   /* h2o has our headers */
    bool sending;   /* between h2o_send() and proceed: h2o_send() must not be called */
    bool ending;    /* finish as soon as h2o has taken what it is sending */
    bool finished;  /* h2o has all of the answer */
    int64_t due_ms; /* when our patience with core or with the client ends; 0 = no limit */
    struct list link;
};

/* Sends the request to core, or answers it at once when that is not possible. */
void exchange_start(struct front *f, struct conn *c, h2o_req_t *req, const char *request_id);
/* A frame of core for this exchange; it may take the arena's memory. -EPROTO when it is out of order. */
int exchange_on_frame(struct exchange *x, const struct frame *frame, struct arena *arena) MUSTCHECK;
/* Core is gone: streams end, requests are answered 503. */
void exchange_core_lost(struct front *f);
/* The server goes away: streams end, requests may finish. */
void exchange_drain(struct front *f);
/* Gives up on those whose time is over. */
void exchange_tick(struct front *f, int64_t now_ms);
