/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with what it needs, and a seeded generator whose seed a failing random test prints. */
#pragma once
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "base/defs.h"
#include <stdio.h>
#include <time.h>

/* SplitMix64: small, seedable, the same everywhere. */
struct test_rng {
    uint64_t state;
};

static inline uint64_t test_rng_next(struct test_rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint64_t test_rng_below(struct test_rng *r, uint64_t bound)
{
    return test_rng_next(r) % bound;
}

/* Seed from POSTERN_TEST_SEED or the clock; printed so that a failure can be repeated. */
static inline struct test_rng test_rng_seeded(const char *test)
{
    const char *given = getenv("POSTERN_TEST_SEED");
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)t.tv_sec * 1000000007u + (uint64_t)t.tv_nsec;
    print_message("%s: POSTERN_TEST_SEED=%llu\n", test, (unsigned long long)seed);
    return (struct test_rng){seed};
}
