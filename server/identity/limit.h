/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Token buckets for sign-in attempts in a table of fixed size: memory does not grow with the number of
 * attackers. Where a set of the table is full, the bucket that is closest to being full again gives way, since
 * forgetting it changes least. Time is an argument; not thread-safe, the owner locks.
 */
#pragma once
#include "base/defs.h"

enum { LIMIT_SETS = 2048, LIMIT_WAYS = 8 };

struct limit_rule {
    uint32_t burst;     /* attempts that may be made at once */
    uint32_t refill_ms; /* time for one more */
};

struct limit_bucket {
    uint64_t key;    /* 0 = unused */
    int64_t full_ms; /* when the bucket will be full again */
};

struct limit {
    struct limit_rule rule;
    struct limit_bucket sets[LIMIT_SETS][LIMIT_WAYS];
};

struct limit *limit_new(struct limit_rule rule) MUSTCHECK;
void limit_free(struct limit *l);
/* Takes one attempt of the key: returns 0, or how many milliseconds to wait before the next one. */
int64_t limit_take(struct limit *l, const void *key, size_t len, int64_t now_ms) MUSTCHECK;
/* Gives one back, e.g. after a successful sign-in. */
void limit_give(struct limit *l, const void *key, size_t len, int64_t now_ms);
