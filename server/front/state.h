/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The one front of a process: its parts and what they count. Everything runs on the thread of front_main(). */
#pragma once
#include "base/list.h"
#include "base/map.h"
#include "server/front/front.h"
#include "server/front/link.h"
#include "server/front/tls.h"

struct front {
    const struct front_config *config;
    struct front_limits limits;
    h2o_globalconf_t conf;
    h2o_context_t ctx;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener, *signals;
    struct tls tls;
    struct link link;
    struct map origins;    /* of struct origin, by their key */
    struct list conns;     /* of struct conn that have a socket */
    struct list exchanges; /* of struct exchange */
    size_t n_conns, n_requests;
    size_t held;            /* bytes of core's answers that clients have not taken yet */
    uint64_t refused_conns; /* over the budget of connections, since the last report */
    int64_t drain_since_ms; /* 0 = serving */
    int64_t sweep_ms, second_ms;
    uint64_t swept_bytes;
};
