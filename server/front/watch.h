/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Bounds what strangers make the library hold before a request reaches us: bodies and header blocks, in bytes and time. */
#pragma once
#include "server/front/h2o.h"

struct front;

/* Bytes of unfinished bodies and header blocks that the HTTP/2 connection behind the socket holds. */
size_t watch_buffered_http2(h2o_context_t *ctx, const h2o_socket_t *sock);
/* Measures all connections and ends those over the limits of bytes or time. */
void watch_sweep(struct front *f);
