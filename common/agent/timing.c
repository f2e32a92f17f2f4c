/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/timing.h"

int64_t backoff_next(struct backoff *b, uint64_t random)
{
    int64_t span = b->base_ms;
    for (unsigned i = 0; i < b->n && span < b->cap_ms; i++)
        span *= 2;
    if (span < b->cap_ms)
        b->n++;
    span = MIN(span, b->cap_ms);
    return span > 0 ? (int64_t)(random % (uint64_t)span) : 0;
}

void backoff_reset(struct backoff *b)
{
    b->n = 0;
}

bool renewal_due(int64_t not_before_us, int64_t not_after_us, int64_t now_us)
{
    return now_us >= not_before_us + (not_after_us - not_before_us) / 3 * 2;
}

int64_t clock_watch_look(struct clock_watch *w, int64_t wall_ms, int64_t boot_ms)
{
    int64_t gain = w->started ? (wall_ms - w->wall_ms) - (boot_ms - w->boot_ms) : 0;
    bool jumped = gain > CLOCK_GAIN_MAX_MS;
    /* A clock set back must not hide a later jump ahead, so it becomes the reference at once. */
    if (!w->started || jumped || gain < 0 || boot_ms - w->boot_ms > CLOCK_REFERENCE_MS)
        *w = (struct clock_watch){wall_ms, boot_ms, true};
    return jumped ? gain : 0;
}
