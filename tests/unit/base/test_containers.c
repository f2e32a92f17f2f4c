/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/map.h"
#include "base/str.h"
#include "test.h"

static void test_arena_keeps_its_limit(void **state)
{
    struct arena a;
    arena_init(&a, 10000);
    size_t got = 0;
    while (arena_alloc(&a, 100))
        got += 100;
    assert_in_range(got, 8000, 10000);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_array(&a, SIZE_MAX / 2, 4));
    arena_done(&a);
    char *big = arena_alloc(&a, 9000);
    assert_non_null(big);
    for (int i = 0; i < 9000; i++)
        assert_int_equal(big[i], 0);
    arena_done(&a);
}

static void test_arena_text(void **state)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
    assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
    arena_done(&a);
}

static void test_buf(void **state)
{
    BUF_AUTO b = {0};
    assert_string_equal(buf_str(&b), "");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%d,", i);
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
    buf_consume(&b, b.len - 4);
    assert_string_equal(buf_str(&b), "999,");
    char *text = buf_take(&b);
    assert_string_equal(text, "999,");
    assert_int_equal(b.len, 0);
    free(text);
}

/* Random operations against an array that is searched from end to end. */
static void test_map_against_array(void **state)
{
    struct test_rng rng = test_rng_seeded(__func__);
    enum { KEYS = 300 };
    static int values[KEYS];
    void *oracle[KEYS] = {0};
    struct map m = {0};
    for (int step = 0; step < 200000; step++) {
        size_t k = test_rng_below(&rng, KEYS);
        char key[16];
        snprintf(key, sizeof(key), "key-%zu", k);
        switch (test_rng_below(&rng, 3)) {
        case 0:
            assert_ptr_equal(map_set(&m, key, &values[k]), oracle[k]);
            oracle[k] = &values[k];
            break;
        case 1:
            assert_ptr_equal(map_remove(&m, key), oracle[k]);
            oracle[k] = NULL;
            break;
        default:
            assert_ptr_equal(map_get(&m, key), oracle[k]);
        }
    }
    size_t live = 0, seen = 0;
    for (size_t k = 0; k < KEYS; k++)
        live += oracle[k] != NULL;
    map_for_each (slot, &m)
        seen++;
    assert_int_equal(live, m.len);
    assert_int_equal(live, seen);
    map_done(&m);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", true, 0},
        {"42", true, 42},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t v = 0;
        assert_int_equal(parse_u64(rows[i].text, 0, UINT64_MAX, &v) == 0, rows[i].ok);
        if (rows[i].ok)
            assert_true(v == rows[i].value);
    }
    int64_t n;
    assert_int_equal(parse_i64("-5", -5, 5, &n), 0);
    assert_true(n == -5);
    assert_int_equal(parse_i64("6", -5, 5, &n), -EINVAL);
    assert_int_equal(parse_i64("--5", -5, 5, &n), -EINVAL);
}

static void test_ids(void **state)
{
    char a[ID_LEN_MAX], b[ID_LEN_MAX];
    id_new("dev", 1000, a);
    id_new("dev", 1001, b);
    assert_true(id_valid(a, "dev"));
    assert_false(id_valid(a, "gwy"));
    assert_true(strcmp(a, b) < 0);
    for (int i = 0; i < 10000; i++) {
        char next[ID_LEN_MAX];
        id_new("dev", 1001, next);
        assert_true(strcmp(b, next) < 0);
        memcpy(b, next, sizeof(b));
    }
    assert_false(id_valid("dev_", "dev"));
    assert_false(id_valid("dev_01JD2Q8W6Z6T3V9XK4M5N7P8QU", "dev"));
    assert_false(id_valid("", "dev"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_keeps_its_limit), cmocka_unit_test(test_arena_text), cmocka_unit_test(test_buf),
        cmocka_unit_test(test_map_against_array),     cmocka_unit_test(test_numbers),    cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
