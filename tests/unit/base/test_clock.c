/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "test.h"

static void test_time_parse_and_format(void **state)
{
    static const struct {
        const char *in, *out; /* out NULL = refused */
    } rows[] = {
        {"2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z"},
        {"2026-11-20T08:00:00.5Z", "2026-11-20T08:00:00.500000Z"},
        {"2026-11-20T08:00:00.123456Z", "2026-11-20T08:00:00.123456Z"},
        {"2026-11-20T08:00:00+02:00", "2026-11-20T06:00:00Z"},
        {"2026-11-20T23:30:00-01:00", "2026-11-21T00:30:00Z"},
        {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
        {"2023-02-29T00:00:00Z", NULL},
        {"2026-13-01T00:00:00Z", NULL},
        {"2026-11-20 08:00:00Z", NULL},
        {"2026-11-20T08:00:00", NULL},
        {"2026-11-20T08:00:60Z", NULL},
        {"2026-11-20T24:00:00Z", NULL},
        {"2026-11-20T08:00:00.Z", NULL},
        {"2026-11-20T08:00:00.1234567Z", NULL},
        {"2026-11-20T08:00:00Zx", NULL},
        {"2026-11-20T08:00:00+25:00", NULL},
        {"", NULL},
        {"2026", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t us;
        char text[TIME_TEXT_LEN];
        int r = time_parse(rows[i].in, &us);
        if (!rows[i].out) {
            assert_int_equal(r, -EINVAL);
            continue;
        }
        assert_int_equal(r, 0);
        time_format(us, text);
        assert_string_equal(text, rows[i].out);
    }
}

static void test_time_round_trip(void **state)
{
    struct test_rng rng = test_rng_seeded(__func__);
    for (int i = 0; i < 20000; i++) {
        int64_t us = (int64_t)test_rng_below(&rng, 253402300799u) * 1000000 + (int64_t)test_rng_below(&rng, 1000000);
        int64_t back;
        char text[TIME_TEXT_LEN];
        time_format(us, text);
        assert_int_equal(time_parse(text, &back), 0);
        assert_true(back == us);
    }
}

static void test_duration(void **state)
{
    int64_t s;
    assert_int_equal(duration_parse("90d", &s), 0);
    assert_true(s == 90 * 86400);
    assert_int_equal(duration_parse("15m", &s), 0);
    assert_true(s == 900);
    static const char *const bad[] = {"", "d", "0s", "-1h", "1", "1w", "1.5h", "99999999999999999999s"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(duration_parse(bad[i], &s), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_parse_and_format),
        cmocka_unit_test(test_time_round_trip),
        cmocka_unit_test(test_duration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
