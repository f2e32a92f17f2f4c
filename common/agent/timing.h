/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small arithmetic of time that both agents share: exponential back-off with full jitter, when a certificate is due
 * for renewal, and a watch on the wall clock. Pure: random numbers and clocks are arguments.
 */
#pragma once
#include "base/defs.h"

/* Full jitter: the n-th delay is uniform in [0, min(cap, base * 2^n)). */
struct backoff {
    int64_t base_ms, cap_ms;
    unsigned n;
};

/* `random` is any uniform 64-bit number. */
int64_t backoff_next(struct backoff *b, uint64_t random);
void backoff_reset(struct backoff *b);

/* True from two thirds of the lifetime on. */
bool renewal_due(int64_t not_before_us, int64_t not_after_us, int64_t now_us);

/*
 * Notices wall time that gains on CLOCK_BOOTTIME: a paused machine, whose kernel timeouts were paused too, or a clock
 * that was set. The reference moves every ten minutes, so that honest drift never adds up to an alarm.
 */
struct clock_watch {
    int64_t wall_ms, boot_ms;
    bool started;
};
enum { CLOCK_GAIN_MAX_MS = 5000, CLOCK_REFERENCE_MS = 600000 };
/* Returns by how many milliseconds wall time has jumped ahead when that is more than CLOCK_GAIN_MAX_MS, else 0; after
 * a jump the new times are the reference. */
int64_t clock_watch_look(struct clock_watch *w, int64_t wall_ms, int64_t boot_ms);
