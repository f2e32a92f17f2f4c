/* SPDX-License-Identifier: Apache-2.0 */
/* Connection tracking: what flows there are, and forgetting some. Private to gateway/nft. */
#pragma once
#include "gateway/nft/netlink.h"
#include "net/addr.h"

/* The highest of our marks that any flow of this network namespace carries; 0 = none. */
int flows_highest_mark(struct nl *nl, uint32_t *out) MUSTCHECK;
/* Deletes the entries of flows that one of the addresses (sorted) began. */
int flows_forget(struct nl *nl, const struct net_addr *sources, size_t n_sources) MUSTCHECK;
