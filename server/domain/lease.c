/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/domain/lease.h"
#include "base/log.h"

const char *const lease_state_names[] = {"pending", "ready", "revoked", "expired", NULL};
const char *const link_state_names[] = {"pending", "ready", "failed", "ended", NULL};

/* Bit n of row s: the edge s -> n exists. */
static const unsigned lease_edges[] = {
    [LEASE_PENDING] = 1u << LEASE_READY | 1u << LEASE_REVOKED | 1u << LEASE_EXPIRED,
    [LEASE_READY] = 1u << LEASE_REVOKED | 1u << LEASE_EXPIRED,
    [LEASE_REVOKED] = 0,
    [LEASE_EXPIRED] = 0,
};
static const unsigned link_edges[] = {
    [LINK_PENDING] = 1u << LINK_READY | 1u << LINK_FAILED | 1u << LINK_ENDED,
    [LINK_READY] = 1u << LINK_FAILED | 1u << LINK_ENDED,
    [LINK_FAILED] = 0,
    [LINK_ENDED] = 0,
};

int lease_set(enum lease_state *state, enum lease_state to, const char *lease, const char *why)
{
    if (!(lease_edges[*state] >> to & 1))
        return -EINVAL;
    log_debug("lease %s: %s -> %s (%s)", lease, lease_state_names[*state], lease_state_names[to], why);
    *state = to;
    return 0;
}

bool lease_live(enum lease_state state)
{
    return lease_edges[state] != 0;
}

int link_set(enum link_state *state, enum link_state to, const char *connection, const char *why)
{
    if (!(link_edges[*state] >> to & 1))
        return -EINVAL;
    log_debug("connection %s: %s -> %s (%s)", connection, link_state_names[*state], link_state_names[to], why);
    *state = to;
    return 0;
}

bool link_live(enum link_state state)
{
    return link_edges[state] != 0;
}
