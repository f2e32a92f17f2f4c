/* SPDX-License-Identifier: Apache-2.0 */
/* From counters that only grow to what is new since the last reading. Pure. Private to gateway/nft. */
#pragma once
#include "base/map.h"
#include "gateway/nft/nft.h"

struct denied_tally {
    struct map seen; /* key of the flow -> struct denied_seen */
    uint64_t reading;
};

void denied_tally_done(struct denied_tally *t);
/* Turns totals into differences in place and leaves out what has none; returns how many are left. Flows that are not there
 * any more are forgotten; a total that has shrunk was begun anew. */
size_t denied_tally_update(struct denied_tally *t, struct nft_denied *flows, size_t n);
