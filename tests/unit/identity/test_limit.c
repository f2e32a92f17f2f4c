/* SPDX-License-Identifier: Apache-2.0 */
#include "server/identity/limit.h"
#include "test.h"

static const struct limit_rule rule = {3, 1000};

static int64_t take(struct limit *l, const char *who, int64_t now)
{
    return limit_take(l, who, strlen(who), now);
}

static void test_burst_and_refill(void **state)
{
    struct limit *l = limit_new(rule);
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(l, "a", 5000), 0);
    assert_int_equal(take(l, "a", 5000), 1000);
    assert_int_equal(take(l, "a", 5400), 600);
    assert_int_equal(take(l, "b", 5400), 0);
    assert_int_equal(take(l, "a", 6000), 0);
    assert_int_equal(take(l, "a", 6000), 1000);
    assert_int_equal(take(l, "a", 60000), 0);
    limit_free(l);
}

static void test_give_back(void **state)
{
    struct limit *l = limit_new(rule);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(take(l, "a", 1), 0);
        limit_give(l, "a", 1, 1);
    }
    limit_give(l, "unknown", 7, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(l, "a", 1), 0);
    assert_true(take(l, "a", 1) > 0);
    limit_free(l);
}

/* Whoever is being limited stays so while strangers flood the table. */
static void test_flood_forgets_the_least(void **state)
{
    struct limit *l = limit_new((struct limit_rule){3, 1000000});
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(l, "guesser", 0), 0);
    for (int i = 0; i < 200000; i++) {
        char key[32];
        snprintf(key, sizeof(key), "stranger %d", i);
        assert_int_equal(take(l, key, 1), 0);
    }
    assert_true(take(l, "guesser", 2) > 0);
    limit_free(l);
}

/* The plainest token bucket: a number of attempts left, in thousandths, topped up by the clock. */
struct naive {
    int64_t left, at;
};

static void test_against_naive(void **state)
{
    struct test_rng r = test_rng_seeded("limit");
    struct limit *l = limit_new(rule);
    struct naive n[8];
    int64_t now = 0;
    for (size_t i = 0; i < ARRAY_LEN(n); i++)
        n[i] = (struct naive){3000, 0};
    for (int step = 0; step < 20000; step++) {
        now += (int64_t)test_rng_below(&r, 400);
        size_t who = test_rng_below(&r, ARRAY_LEN(n));
        struct naive *b = &n[who];
        b->left = MIN(3000, b->left + now - b->at);
        b->at = now;
        bool expected = b->left >= 1000;
        if (expected)
            b->left -= 1000;
        assert_int_equal(limit_take(l, &who, sizeof(who), now) == 0, expected);
    }
    limit_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_and_refill),
        cmocka_unit_test(test_give_back),
        cmocka_unit_test(test_flood_forgets_the_least),
        cmocka_unit_test(test_against_naive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
