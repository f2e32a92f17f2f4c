/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Addresses inside the tunnels. A session has a slot; slot n is the n-th address of the IPv4 pool and of the IPv6
 * pool. The search for a free slot is pure: it sees the taken slots (quarantined ones included) window by window.
 */
#pragma once
#include "net/addr.h"

/* The first slots are kept for gateways and services inside the tunnel. */
enum { SLOT_FIRST = 256, SLOT_WINDOW = 512 };

struct inner_pools {
    struct net_prefix v4, v6; /* v6 must have room for as many slots as v4 */
    uint32_t n_slots;         /* slots SLOT_FIRST .. n_slots - 2: the last address is left out as well */
};

/* 100.64.0.0/11 and a unique local /64 (RFC 4193) made from the organisation's id. */
struct inner_pools inner_pools_of(const char *organisation);
struct net_addr inner_v4(const struct inner_pools *pools, uint32_t slot);
struct net_addr inner_v6(const struct inner_pools *pools, uint32_t slot);

/* Where the search for somebody's slot begins: the same device tends to get the same address. */
uint32_t slot_preferred(const struct inner_pools *pools, const char *device);

/*
 * One step of the search. `taken` are the taken slots >= from in rising order, at most SLOT_WINDOW of them; fewer
 * mean that there are no more. Returns true with *slot = the lowest free slot in [from, end), or false with *slot =
 * where the next window begins, which is `end` when nothing is free.
 */
bool slot_search(const int64_t *taken, size_t n, uint32_t from, uint32_t end, uint32_t *slot);
