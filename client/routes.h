/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which routes to add and remove so that exactly the wanted ones lead into the tunnel. Routes of others are never
 * touched: where one of them wants the same packets, ours is left out or overshadowed, and that is told. Pure.
 */
#pragma once
#include "net/addr.h"

/* Marks our routes in the kernel (RTA_PROTOCOL), so that leftovers of a crash are recognised. Not assigned in
 * /etc/iproute2/rt_protos. */
enum { ROUTES_PROTOCOL = 181 };

struct route {
    struct net_prefix to;
    uint32_t interface; /* index */
    uint8_t protocol;
};

enum route_step { ROUTE_ADD, ROUTE_REMOVE, ROUTE_CLASH };

/* actual: main table, any order (sorted in place); wanted: any order, duplicates allowed (sorted in place). Calls `each`
 * for every step: removals, then additions; ROUTE_CLASH with the foreign route that takes packets of a wanted prefix.
 * Prefixes that contain `endpoints` would lead the tunnel into itself: they are a clash as well (interface 0). */
void routes_diff(struct route *actual, size_t n_actual, struct net_prefix *wanted, size_t n_wanted, uint32_t interface,
                 const struct net_addr *endpoints, size_t n_endpoints,
                 void (*each)(void *arg, enum route_step step, const struct route *route), void *arg);
