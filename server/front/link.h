/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The connection to core: connects again and again, sends frames, hands received ones to the exchanges. */
#pragma once
#include "base/map.h"
#include "server/frame/frame.h"
#include "server/front/h2o.h"

struct front;
struct exchange;

struct link {
    h2o_socket_t *sock; /* NULL while core is away */
    struct frame_reader reader;
    struct arena arena; /* of the frame being read; an exchange may take it */
    struct buf out;     /* encoded, waits for the write under way */
    struct buf flight;  /* being written */
    struct map streams; /* stream id -> struct exchange, until the final frame */
    uint64_t last_id;
    int64_t retry_ms;
    bool complained;
};

void link_init(struct front *f);
/* Connects when it is time to. */
void link_tick(struct front *f, int64_t now_ms);
/* Gives the exchange a stream id and remembers it until link_forget(). */
void link_register(struct front *f, struct exchange *x);
void link_forget(struct front *f, struct exchange *x);
/* Queues a frame. -ENOTCONN without core, -EBUSY when too much is queued, -EINVAL for what cannot be encoded. */
int link_send(struct front *f, const struct frame *frame) MUSTCHECK;
