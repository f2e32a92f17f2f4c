/* SPDX-License-Identifier: Apache-2.0 */
/* The tunnel's interface in the kernel beside WireGuard: addresses and routes, brought to what is wanted by rtnetlink. */
#pragma once
#include "client/routes.h"

struct kernel_wish {
    const char *interface;
    struct net_addr inner[2];  /* IPv4, IPv6 */
    struct net_prefix *routes; /* sorted in place */
    size_t n_routes;
    const struct net_addr *endpoints;
    size_t n_endpoints;
};

/* Idempotent. `clash` is told of routes of others that are in the way. Returns 0 or the first -errno; the rest is still
 * done. */
int kernel_apply(const struct kernel_wish *wish, void (*clash)(void *arg, const struct route *route),
                 void *arg) MUSTCHECK;
/* Removes every route of ours, whatever interface it leads to. */
int kernel_clear(void) MUSTCHECK;
