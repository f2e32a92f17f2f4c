/* SPDX-License-Identifier: Apache-2.0 */
#include "base/haste.h"
#include "test.h"
#include <stdlib.h>

static int with(const char *value)
{
    assert_int_equal(setenv("POSTERN_TEST_HASTE", value, 1), 0);
    return haste_init();
}

static void test_absent_changes_nothing(void **state)
{
    unsetenv("POSTERN_TEST_HASTE");
    assert_int_equal(haste_init(), 0);
    assert_true(haste_ms(15000) == 15000);
    assert_int_equal(haste_s(45), 45);
}

static void test_divides(void **state)
{
    assert_int_equal(with("15"), 0);
    assert_true(haste_ms(300000) == 20000);
    assert_int_equal(haste_s(45), 3);
    assert_int_equal(haste_s(7), 1);
    assert_int_equal(with("1"), 0);
    assert_true(haste_ms(300000) == 300000);
}

/* What is refused leaves the last good value in force; the programs end anyway. */
static void test_absurd_values_are_refused(void **state)
{
    static const char *const bad[] = {"", "0", "-1", "61", "0.5", "1s", " 2", "99999999999999999999"};
    assert_int_equal(with("2"), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(with(bad[i]), -EINVAL);
        assert_true(haste_ms(100) == 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_changes_nothing),
        cmocka_unit_test(test_divides),
        cmocka_unit_test(test_absurd_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
