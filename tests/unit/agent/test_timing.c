/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/timing.h"
#include "test.h"

static void test_L3_backoff_grows_with_full_jitter(void **state)
{
    struct backoff b = {500, 30000, 0};
    static const int64_t spans[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        struct backoff twin = b;
        /* spans divide the numbers below so that the largest delay is span - 1 */
        assert_true(backoff_next(&twin, (uint64_t)spans[i] - 1) == spans[i] - 1);
        assert_true(backoff_next(&b, (uint64_t)spans[i]) == 0);
    }
    backoff_reset(&b);
    assert_true(backoff_next(&b, 499) == 499);
}

static void test_renewal_at_two_thirds(void **state)
{
    assert_false(renewal_due(0, 900, 599));
    assert_true(renewal_due(0, 900, 600));
    assert_true(renewal_due(0, 900, 5000));
    assert_false(renewal_due(1000, 1900, 0));
}

static void test_clock_jump_is_seen_once(void **state)
{
    struct clock_watch w = {0};
    int64_t wall = 1000000, boot = 5000;
    assert_true(clock_watch_look(&w, wall, boot) == 0);
    for (int i = 0; i < 5000; i++) { /* honest drift: 1 ms per second */
        wall += 1001;
        boot += 1000;
        assert_true(clock_watch_look(&w, wall, boot) == 0);
    }
    wall += 6000;
    assert_true(clock_watch_look(&w, wall, boot) >= 6000);
    assert_true(clock_watch_look(&w, wall, boot) == 0);
    wall -= 100000; /* set back: no gain, and the new reference */
    assert_true(clock_watch_look(&w, wall, boot) == 0);
    wall += 5001;
    assert_true(clock_watch_look(&w, wall, boot) == 5001);
    wall += 5000;
    assert_true(clock_watch_look(&w, wall, boot) == 0);
}

static void test_sleep_is_no_jump(void **state)
{
    struct clock_watch w = {0};
    assert_true(clock_watch_look(&w, 0, 0) == 0);
    /* CLOCK_BOOTTIME counts suspend too */
    assert_true(clock_watch_look(&w, 3600000, 3600000) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_L3_backoff_grows_with_full_jitter),
        cmocka_unit_test(test_renewal_at_two_thirds),
        cmocka_unit_test(test_clock_jump_is_seen_once),
        cmocka_unit_test(test_sleep_is_no_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
