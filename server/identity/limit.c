/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/identity/limit.h"
#include "base/map.h"
#include "base/str.h"

struct limit *limit_new(struct limit_rule rule)
{
    struct limit *l = xalloc(sizeof(*l));
    l->rule = rule;
    return l;
}

void limit_free(struct limit *l)
{
    free(l);
}

static uint64_t key_hash(const void *key, size_t len)
{
    uint64_t h = map_hash(key, len);
    return h ? h : 1;
}

static struct limit_bucket *find(struct limit *l, uint64_t key)
{
    struct limit_bucket *set = l->sets[key % LIMIT_SETS];
    for (size_t i = 0; i < LIMIT_WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

static struct limit_bucket *claim(struct limit *l, uint64_t key, int64_t now_ms)
{
    struct limit_bucket *set = l->sets[key % LIMIT_SETS], *best = &set[0];
    for (size_t i = 0; i < LIMIT_WAYS; i++) {
        if (set[i].key == 0) {
            best = &set[i];
            break;
        }
        if (set[i].full_ms < best->full_ms)
            best = &set[i];
    }
    *best = (struct limit_bucket){key, now_ms};
    return best;
}

int64_t limit_take(struct limit *l, const void *key, size_t len, int64_t now_ms)
{
    uint64_t hash = key_hash(key, len);
    struct limit_bucket *b = find(l, hash);
    if (!b)
        b = claim(l, hash, now_ms);
    int64_t full_ms = MAX(b->full_ms, now_ms) + l->rule.refill_ms;
    int64_t wait_ms = full_ms - now_ms - (int64_t)l->rule.burst * l->rule.refill_ms;
    if (wait_ms > 0)
        return wait_ms;
    b->full_ms = full_ms;
    return 0;
}

void limit_give(struct limit *l, const void *key, size_t len, int64_t now_ms)
{
    struct limit_bucket *b = find(l, key_hash(key, len));
    if (b)
        b->full_ms = MAX(b->full_ms - l->rule.refill_ms, now_ms);
}
