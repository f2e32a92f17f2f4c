/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/cursor.h"
#include "server/api/etag.h"
#include "server/api/filter.h"
#include "server/api/query.h"
#include "test.h"

static const uint8_t key[CURSOR_KEY_LEN] = "a key for this test only, truly";

static void test_cursor_round_trip(void **state)
{
    char text[CURSOR_TEXT_LEN], id[ID_LEN_MAX];
    cursor_make(key, "/api/v1/sites", "sit_01JD2Q8W6Z6T3V9XK4M5N7P8QR", text);
    assert_int_equal(cursor_read(key, "/api/v1/sites", text, id), CURSOR_OK);
    assert_string_equal(id, "sit_01JD2Q8W6Z6T3V9XK4M5N7P8QR");
    assert_int_equal(cursor_read(key, "/api/v1/groups", text, id), CURSOR_MISMATCH);
    assert_int_equal(cursor_read(key, "/api/v1/sites?name=x", text, id), CURSOR_MISMATCH);
}

static void test_cursor_refuses_changes(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static const uint8_t other[CURSOR_KEY_LEN] = "another key for this test only";
    char text[CURSOR_TEXT_LEN], id[ID_LEN_MAX];
    cursor_make(key, "l", "sit_01JD2Q8W6Z6T3V9XK4M5N7P8QR", text);
    for (size_t i = 0; text[i]; i++)
        for (const char *c = alphabet; *c; c++) {
            char changed[CURSOR_TEXT_LEN];
            memcpy(changed, text, sizeof(changed));
            changed[i] = *c;
            if (*c != text[i])
                assert_int_equal(cursor_read(key, "l", changed, id), CURSOR_INVALID);
        }
    assert_int_equal(cursor_read(other, "l", text, id), CURSOR_INVALID);
    assert_int_equal(cursor_read(key, "l", "", id), CURSOR_INVALID);
    text[strlen(text) - 1] = '\0';
    assert_int_equal(cursor_read(key, "l", text, id), CURSOR_INVALID);
}

static void test_etag(void **state)
{
    char tag[ETAG_LEN];
    etag_format(17, tag);
    assert_string_equal(tag, "\"17\"");
    assert_true(etag_matches("\"17\"", 17));
    assert_true(etag_matches("*", 17));
    assert_true(etag_matches("\"1\", \"17\"", 17));
    assert_true(etag_matches("\"1\",\t\"17\" ", 17));
    assert_false(etag_matches("17", 17));
    assert_false(etag_matches("\"170\"", 17));
    assert_false(etag_matches("\"1\"", 17));
    assert_false(etag_matches("", 17));
    assert_false(etag_matches("W/\"17\"", 17));
    assert_true(etag_matches_weakly("W/\"17\"", 17));
}

static void test_filter(void **state)
{
    static const char *const fields[] = {"name", "email", NULL};
    static const struct {
        const char *text, *field, *value; /* field NULL: refused */
    } cases[] = {
        {"name = wiki", "name", "wiki"},
        {"name=wiki", "name", "wiki"},
        {"  email =  \"a@b.org\"  ", "email", "a@b.org"},
        {"name = \"two words\"", "name", "two words"},
        {"name = \"a \\\"b\\\" \\\\\"", "name", "a \"b\" \\"},
        {"name = \"\"", "name", ""},
        {"", NULL, NULL},
        {"name", NULL, NULL},
        {"name =", NULL, NULL},
        {"name != wiki", NULL, NULL},
        {"name ~ wiki", NULL, NULL},
        {"role = admin", NULL, NULL},
        {"name = a and email = b", NULL, NULL},
        {"name = \"open", NULL, NULL},
        {"name = \"a\"b", NULL, NULL},
        {"= x", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct filter f;
        const char *why = NULL;
        arena_init(&a, 4096);
        int r = filter_parse(cases[i].text, fields, &a, &f, &why);
        assert_int_equal(r, cases[i].field ? 0 : -EINVAL);
        if (r) {
            assert_non_null(why);
        } else {
            assert_string_equal(f.field, cases[i].field);
            assert_string_equal(f.value, cases[i].value);
        }
        arena_done(&a);
    }
}

static void test_query(void **state)
{
    static const char *const known[] = {"a", "b", NULL};
    static const char *const bad[] = {"a=1&a=2", "a=%", "a=%4", "a=%zz", "a=%00", "%0a=1", "a=\x01"};
    struct arena a;
    struct query q;
    const char *why = NULL;
    arena_init(&a, 4096);
    assert_int_equal(query_parse("a=1+2%3d&b&&", &a, &q, &why), 0);
    assert_int_equal(q.n, 2);
    assert_string_equal(query_get(&q, "a"), "1 2=");
    assert_string_equal(query_get(&q, "b"), "");
    assert_null(query_get(&q, "c"));
    assert_null(query_unknown(&q, known));
    assert_int_equal(query_parse("a=1&c=2", &a, &q, &why), 0);
    assert_string_equal(query_unknown(&q, known), "c");
    assert_int_equal(query_parse(NULL, &a, &q, &why), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(query_parse(bad[i], &a, &q, &why), -EINVAL);
    assert_int_equal(query_parse("a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", &a, &q, &why), -EINVAL);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor_round_trip),
        cmocka_unit_test(test_cursor_refuses_changes),
        cmocka_unit_test(test_etag),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
