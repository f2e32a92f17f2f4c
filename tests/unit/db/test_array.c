/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"
#include "base/str.h"
#include "server/db/array.h"

static void test_round_trip(void **state)
{
    static const char *const samples[] = {"a",    "", "with space", "quo\"te", "back\\slash", "comma,brace}{",
                                          "NULL", "é"};
    struct test_rng rng = test_rng_seeded("array");
    for (int round = 0; round < 500; round++) {
        const char *in[8], **out;
        size_t n = test_rng_below(&rng, ARRAY_LEN(in) + 1), got;
        BUF_AUTO text = {0};
        struct arena a;
        for (size_t i = 0; i < n; i++)
            in[i] = samples[test_rng_below(&rng, ARRAY_LEN(samples))];
        arena_init(&a, 65536);
        array_format(in, n, &text);
        assert_int_equal(array_parse(buf_str(&text), &a, &out, &got), 0);
        assert_int_equal(got, n);
        for (size_t i = 0; i < n; i++)
            assert_string_equal(out[i], in[i]);
        arena_done(&a);
    }
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"",      "a",    "{",      "{a",    "{a,}",   "{,a}",
                                      "{\"a}", "{a}b", "{NULL}", "{{a}}", "{a\"b}", "{\\"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arena a;
        const char **out;
        size_t n;
        arena_init(&a, 4096);
        if (array_parse(bad[i], &a, &out, &n) != -EINVAL)
            fail_msg("accepted %s", bad[i]);
        arena_done(&a);
    }
}

static void test_what_postgres_prints(void **state)
{
    struct arena a;
    const char **v;
    size_t n;
    arena_init(&a, 4096);
    assert_int_equal(array_parse("{10.0.0.0/8,\"a b\",\"NULL\",\"x\\\\y\"}", &a, &v, &n), 0);
    assert_int_equal(n, 4);
    assert_string_equal(v[0], "10.0.0.0/8");
    assert_string_equal(v[2], "NULL");
    assert_string_equal(v[3], "x\\y");
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_what_postgres_prints)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
