/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/domain/addressing.h"

/* FNV-1a: stable over restarts and versions, which the process's keyed map_hash() is not. */
static uint64_t stable_hash(const char *s)
{
    uint64_t h = 14695981039346656037u;
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 1099511628211u;
    return h;
}

struct inner_pools inner_pools_of(const char *organisation)
{
    static const uint8_t first_v4[4] = {100, 64, 0, 0};
    uint64_t global_id = stable_hash(organisation) & 0xffffffffff; /* 40 bits */
    struct inner_pools pools = {.n_slots = UINT32_C(1) << 21};
    pools.v4 = net_prefix_of(net_addr_from_v4(first_v4), 96 + 11);
    pools.v6 = (struct net_prefix){{UINT64_C(0xfd) << 56 | global_id << 16, 0}, 64};
    return pools;
}

struct net_addr inner_v4(const struct inner_pools *pools, uint32_t slot)
{
    return net_addr_plus(pools->v4.addr, slot);
}

struct net_addr inner_v6(const struct inner_pools *pools, uint32_t slot)
{
    return net_addr_plus(pools->v6.addr, slot);
}

uint32_t slot_preferred(const struct inner_pools *pools, const char *device)
{
    return SLOT_FIRST + (uint32_t)(stable_hash(device) % (pools->n_slots - 1 - SLOT_FIRST));
}

bool slot_search(const int64_t *taken, size_t n, uint32_t from, uint32_t end, uint32_t *slot)
{
    int64_t next = from;
    for (size_t i = 0; i < n && taken[i] == next; i++)
        next++;
    bool all_taken = n == SLOT_WINDOW && next == (int64_t)from + SLOT_WINDOW;
    *slot = next < end ? (uint32_t)next : end;
    return next < end && !all_taken;
}
