/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "policy/condition.h"
#include "test.h"

static struct policy_fact some_facts[] = {
    {.name = "risk", .type = FACT_INT, .until_us = POLICY_FOREVER, .integer = 3},
    {.name = "verified", .type = FACT_BOOL, .until_us = 1000, .boolean = true},
    {.name = "country", .type = FACT_TEXT, .until_us = POLICY_FOREVER, .text = "SE"},
};

static struct policy_verdict at(const struct policy_cond *cond, int64_t now)
{
    policy_facts_sort(some_facts, ARRAY_LEN(some_facts));
    return policy_cond_eval(cond, &(struct policy_facts){some_facts, ARRAY_LEN(some_facts)}, now);
}

static void absent_mistyped_and_expired_are_unknown(void **state)
{
    const struct policy_cond absent = {.op = COND_IS, .fact = "encrypted", .boolean = true};
    const struct policy_cond mistyped = {.op = COND_IS, .fact = "risk", .boolean = true};
    const struct policy_cond verified = {.op = COND_IS, .fact = "verified", .boolean = true};
    some_facts[0].until_us = some_facts[1].until_us = some_facts[2].until_us = 1000;
    assert_int_equal(at(&absent, 0).truth, POLICY_UNKNOWN);
    assert_int_equal(at(&mistyped, 0).truth, POLICY_UNKNOWN);
    assert_int_equal(at(&verified, 999).truth, POLICY_TRUE);
    assert_int_equal(at(&verified, 999).until_us, 1000);
    assert_int_equal(at(&verified, 1000).truth, POLICY_UNKNOWN);
    assert_int_equal(policy_cond_eval(&verified, NULL, 0).truth, POLICY_UNKNOWN);
}

static void not_unknown_is_unknown(void **state)
{
    const struct policy_cond absent = {.op = COND_IS, .fact = "encrypted", .boolean = true};
    const struct policy_cond inverse = {.op = COND_NOT, .children = &absent, .n_children = 1};
    const struct policy_cond childless = {.op = COND_NOT};
    assert_int_equal(at(&inverse, 0).truth, POLICY_UNKNOWN);
    assert_int_equal(at(&childless, 0).truth, POLICY_UNKNOWN);
}

static void kleene_tables_hold(void **state)
{
    const char *const none[] = {"NO"}, *const se[] = {"SE"};
    const struct policy_cond leaf[] = {
        [POLICY_FALSE] = {.op = COND_ONE_OF, .fact = "country", .texts = none, .n_texts = 1},
        [POLICY_UNKNOWN] = {.op = COND_ONE_OF, .fact = "city", .texts = se, .n_texts = 1},
        [POLICY_TRUE] = {.op = COND_ONE_OF, .fact = "country", .texts = se, .n_texts = 1},
    };
    for (int a = POLICY_FALSE; a <= POLICY_TRUE; a++)
        for (int b = POLICY_FALSE; b <= POLICY_TRUE; b++) {
            const struct policy_cond pair[] = {leaf[a], leaf[b]};
            const struct policy_cond all = {.op = COND_ALL, .children = pair, .n_children = 2};
            const struct policy_cond any = {.op = COND_ANY, .children = pair, .n_children = 2};
            assert_int_equal(at(&all, 0).truth, MIN(a, b));
            assert_int_equal(at(&any, 0).truth, MAX(a, b));
        }
}

static int64_t when(const char *text)
{
    int64_t us;
    assert_int_equal(time_parse(text, &us), 0);
    return us;
}

static void weekly_window_runs_across_midnight_and_the_weeks_end(void **state)
{
    /* Sundays from 22:00 for eight hours, two hours east of Greenwich. */
    const struct policy_cond night = {
        .op = COND_WEEKLY, .days = 1 << 6, .start_s = 22 * 3600, .length_s = 8 * 3600, .utc_offset_s = 2 * 3600};
    static const struct {
        const char *now, *until;
        enum policy_truth truth;
    } rows[] = {
        {"2026-11-22T19:59:59Z", "2026-11-22T20:00:00Z", POLICY_FALSE}, /* Sunday */
        {"2026-11-22T20:00:00Z", "2026-11-23T04:00:00Z", POLICY_TRUE},
        {"2026-11-23T03:59:59Z", "2026-11-23T04:00:00Z", POLICY_TRUE}, /* Monday */
        {"2026-11-23T04:00:00Z", "2026-11-29T20:00:00Z", POLICY_FALSE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct policy_verdict v = at(&night, when(rows[i].now));
        assert_int_equal(v.truth, rows[i].truth);
        assert_int_equal(v.until_us, when(rows[i].until));
    }
}

enum { TREE_MAX = 64 };
#define HOUR_US INT64_C(3600000000)

/* A random tree of time and fact leaves; nodes come from the array given. */
static void grow(struct test_rng *r, struct policy_cond *nodes, size_t *used, struct policy_cond *out, unsigned depth)
{
    static const char *const names[] = {"risk", "verified", "country", "absent"};
    static const enum policy_cond_op leaves[] = {COND_IS, COND_AT_LEAST, COND_AT_MOST, COND_BETWEEN, COND_WEEKLY};
    *out = (struct policy_cond){0};
    if (depth < 4 && test_rng_below(r, 3) && *used + 3 < TREE_MAX) {
        out->op = (enum policy_cond_op)test_rng_below(r, 3);
        out->n_children = out->op == COND_NOT ? 1 : test_rng_below(r, 4);
        struct policy_cond *children = nodes + *used;
        *used += out->n_children;
        out->children = children;
        for (size_t i = 0; i < out->n_children; i++)
            grow(r, nodes, used, &children[i], depth + 1);
        return;
    }
    out->op = leaves[test_rng_below(r, ARRAY_LEN(leaves))];
    out->fact = names[test_rng_below(r, ARRAY_LEN(names))];
    out->integer = (int64_t)test_rng_below(r, 6);
    out->boolean = test_rng_below(r, 2);
    out->from_us = (int64_t)test_rng_below(r, 40) * HOUR_US;
    out->to_us = (int64_t)test_rng_below(r, 40) * HOUR_US;
    out->days = (unsigned)test_rng_below(r, 128);
    out->start_s = (int32_t)test_rng_below(r, 24) * 3600;
    out->length_s = (int32_t)test_rng_below(r, 30) * 3600;
}

/* Nothing may change before `until`: looked at hour by hour, which is the grid of all boundaries above. */
static void truth_holds_until_it_says(void **state)
{
    struct test_rng r = test_rng_seeded("condition");
    for (int round = 0; round < 3000; round++) {
        struct policy_cond nodes[TREE_MAX], tree;
        size_t used = 0;
        grow(&r, nodes, &used, &tree, 0);
        for (size_t i = 0; i < ARRAY_LEN(some_facts); i++)
            some_facts[i].until_us = (int64_t)test_rng_below(&r, 40) * HOUR_US;
        int64_t now = (int64_t)test_rng_below(&r, 40) * HOUR_US;
        struct policy_verdict v = at(&tree, now);
        assert_true(v.until_us > now);
        for (int64_t t = now; t < v.until_us && t < now + 200 * HOUR_US; t += HOUR_US)
            assert_int_equal(at(&tree, t).truth, v.truth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_mistyped_and_expired_are_unknown),
        cmocka_unit_test(not_unknown_is_unknown),
        cmocka_unit_test(kleene_tables_hold),
        cmocka_unit_test(weekly_window_runs_across_midnight_and_the_weeks_end),
        cmocka_unit_test(truth_holds_until_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
