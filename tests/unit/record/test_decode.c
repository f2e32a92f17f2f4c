/* SPDX-License-Identifier: Apache-2.0 */
#include "record/sample.h"
#include "test.h"

enum { ARENA = 1 << 20 };

struct row {
    enum rec_mode mode;
    const char *json, *pointer, *detail; /* pointer NULL: accepted */
};

static void check(const struct row *row)
{
    struct arena a;
    struct rec_errors errors;
    struct sample s;
    arena_init(&a, ARENA);
    memset(&s, 0, sizeof(s));
    int r = rec_decode(&sample_rec, row->mode, row->json, strlen(row->json), &a, &s, &errors);
    if (r != (row->pointer ? -EBADMSG : 0) || !!errors.n != !!row->pointer)
        fail_msg("%s: got %d, %s %s", row->json, r, errors.at[0].pointer, errors.at[0].detail);
    if (row->pointer && (!str_eq(errors.at[0].pointer, row->pointer) || !strstr(errors.at[0].detail, row->detail)))
        fail_msg("%s: got '%s' %s", row->json, errors.at[0].pointer, errors.at[0].detail);
    arena_done(&a);
}

#define Q(s) "{\"name\":\"n\",\"note\":\"" s "\"}"
#define ID   "sit_01JD2Q8W6Z6T3V9XK4M5N7P8QR"

/* What cJSON 1.7.15 takes, changes or does not see. */
static void test_holes_of_the_parser(void **state)
{
    static const struct row rows[] = {
        {REC_CREATE, "{\"name\":\"admin\\u0000evil\"}", "", "escaped NUL"},
        {REC_CREATE, "{\"name\":\"a\",\"name\":\"b\"}", "/name", "twice"},
        {REC_CREATE, "{\"name\":\"a\",\"n\\u0061me\":\"b\"}", "/name", "twice"},
        {REC_CREATE, "{\"name\":\"a\",\"spare\":{\"first\":1,\"last\":2,\"first\":3}}", "/spare/first", "twice"},
        {REC_CREATE, "{\"name\":\"a\",\"ports\":[{\"first\":1},{\"first\":1,\"first\":1}]}", "/ports/1/first", "twice"},
        {REC_CREATE, "{\"name\":\"a\",\"extra\":{\"x\":[{\"y\":1,\"y\":1}]}}", "/extra/x/0/y", "twice"},
        {REC_AGENT, "{\"name\":\"a\",\"later\":[{\"y\":1,\"y\":1}]}", "/later/0/y", "twice"},
        {REC_CREATE, "{\"NAME\":\"a\"}", "/NAME", "unknown field"},
        {REC_CREATE, "{\"name\":\"a\"} x", "", "text after"},
        {REC_CREATE, "{\"name\":\"a\"}{}", "", "text after"},
        {REC_CREATE, "\xef\xbb\xbf{\"name\":\"a\"}", "", "unexpected character"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":9007199254740993}", "/count", "whole number"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":9007199254740992}", "/count", "whole number"},
        {REC_CREATE, "{\"name\":\"a\",\"ports\":[{\"first\":1},{\"first\":1.5}]}", "/ports/1/first", "whole number"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":1e2}", "/count", "whole number"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":1.0}", "/count", "whole number"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":01}", "", "comma"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":+1}", "", "unexpected"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":-}", "", "number"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":1.}", "", "fraction"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":1e}", "", "exponent"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":NaN}", "", "unexpected"},
        {REC_CREATE, Q("\xc0\xaf"), "", "UTF-8"},
        {REC_CREATE, Q("\xed\xa0\x80"), "", "UTF-8"},
        {REC_CREATE, Q("\xf4\x90\x80\x80"), "", "UTF-8"},
        {REC_CREATE, Q("\xe2\x82"), "", "UTF-8"},
        {REC_CREATE, Q("\x80"), "", "UTF-8"},
        {REC_CREATE, Q("\\ud800"), "", "surrogate"},
        {REC_CREATE, Q("\\udc00"), "", "surrogate"},
        {REC_CREATE, Q("\\ud800\\ud800"), "", "surrogate"},
        {REC_CREATE, Q("\\ud83d\\ude00"), NULL, NULL},
        {REC_CREATE, Q("\\x41"), "", "escape"},
        {REC_CREATE, Q("\\u00g0"), "", "escape"},
        {REC_CREATE, Q("a\nb"), "", "control character"},
        {REC_CREATE, "{\"name\":\"a\",}", "", "field name"},
        {REC_CREATE, "{\"name\":\"a\" \"note\":\"b\"}", "", "comma"},
        {REC_CREATE, "{\"name\" \"a\"}", "", "colon"},
        {REC_CREATE, "{name:\"a\"}", "", "field name"},
        {REC_CREATE, "{\"name\":\"a\"\v}", "", "comma"},
        {REC_CREATE, "{\"name\":\"a", "", "without end"},
        {REC_CREATE, "{\"name\":", "", "missing"},
        {REC_CREATE, "", "", "missing"},
        {REC_CREATE, "/* */{\"name\":\"a\"}", "", "unexpected"},
        {REC_CREATE, "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "", "levels"},
        {REC_CREATE, "[]", "", "must be an object"},
        {REC_CREATE, "\"x\"", "", "must be an object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i]);
}

static void test_values_and_pointers(void **state)
{
    static const struct row rows[] = {
        {REC_CREATE, "{\"name\":\"a\"}", NULL, NULL},
        {REC_CREATE, "{}", "/name", "required"},
        {REC_CREATE, "{\"name\":null}", "/name", "required"},
        {REC_CREATE, "{\"name\":\"\"}", "/name", "1 to 16 bytes"},
        {REC_CREATE, "{\"name\":\"12345678901234567\"}", "/name", "1 to 16 bytes"},
        {REC_CREATE, "{\"name\":\" a\"}", "/name", "printable"},
        {REC_CREATE, "{\"name\":7}", "/name", "string"},
        {REC_CREATE, "{\"name\":\"a\",\"a/b~c\":7}", "/a~1b~0c", "unknown field"},
        {REC_CREATE, "{\"name\":\"a\",\"id\":\"" ID "\"}", "/id", "set by the server"},
        {REC_CREATE, "{\"name\":\"a\",\"site_id\":\"" ID "\"}", NULL, NULL},
        {REC_CREATE, "{\"name\":\"a\",\"site_id\":\"" ID "0\"}", "/site_id", "must be an id"},
        {REC_CREATE, "{\"name\":\"a\",\"site_id\":\"hq\"}", "/site_id", "id"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":-6}", "/count", "-5 to"},
        {REC_CREATE, "{\"name\":\"a\",\"count\":9007199254740991}", NULL, NULL},
        {REC_CREATE, "{\"name\":\"a\",\"count\":\"1\"}", "/count", "whole number"},
        {REC_CREATE, "{\"name\":\"a\",\"any\":-9007199254740991}", NULL, NULL},
        {REC_CREATE, "{\"name\":\"a\",\"enabled\":1}", "/enabled", "true or false"},
        {REC_CREATE, "{\"name\":\"a\",\"colour\":\"Red\"}", "/colour", "red, green, blue"},
        {REC_CREATE, "{\"name\":\"a\",\"colour\":1}", "/colour", "one of"},
        {REC_CREATE, "{\"name\":\"a\",\"at\":\"2026-11-20\"}", "/at", "RFC 3339"},
        {REC_CREATE, "{\"name\":\"a\",\"at\":\"1970-01-01T00:00:00Z\"}", "/at", "1970"},
        {REC_CREATE, "{\"name\":\"a\",\"at\":\"9999-12-31T23:59:59-01:00\"}", "/at", "10000"},
        {REC_CREATE, "{\"name\":\"a\",\"key\":\"AQI=\"}", NULL, NULL},
        {REC_CREATE, "{\"name\":\"a\",\"key\":\"AQ==\"}", "/key", "2 to 8 bytes"},
        {REC_CREATE, "{\"name\":\"a\",\"key\":\"AQIDBAUGBwgJ\"}", "/key", "2 to 8 bytes"},
        {REC_CREATE, "{\"name\":\"a\",\"key\":\"AQIDBAUGBwgJCgsMDQ4P\"}", "/key", "2 to 8 bytes"},
        {REC_CREATE, "{\"name\":\"a\",\"key\":\"A-==\"}", "/key", "base64"},
        {REC_CREATE, "{\"name\":\"a\",\"addresses\":[]}", NULL, NULL},
        {REC_CREATE, "{\"name\":\"a\",\"addresses\":[\"::\",\"::\",\"::\",\"::\",\"::\"]}", "/addresses",
         "1 to 4 items"},
        {REC_CREATE, "{\"name\":\"a\",\"addresses\":[\"10.0.0.0/8\",\"10.0.0.1/8\"]}", "/addresses/1", "host bits"},
        {REC_CREATE, "{\"name\":\"a\",\"addresses\":[\"::1\",null]}", "/addresses/1", "string"},
        {REC_CREATE, "{\"name\":\"a\",\"addresses\":\"::1\"}", "/addresses", "list"},
        {REC_CREATE, "{\"name\":\"a\",\"spare\":{}}", "/spare/first", "required"},
        {REC_CREATE, "{\"name\":\"a\",\"spare\":[]}", "/spare", "object"},
        {REC_CREATE, "{\"name\":\"a\",\"spare\":null,\"ports\":null,\"addresses\":null,\"at\":null}", NULL, NULL},
        {REC_CREATE, "{\"name\":\"a\",\"ports\":[{\"first\":0}]}", "/ports/0/first", "1 to 65535"},
        {REC_CREATE, "{\"name\":\"a\",\"ports\":[{\"first\":1,\"x\":0}]}", "/ports/0/x", "unknown"},
        {REC_CREATE, "{\"name\":\"a\",\"ports\":[{},{},{},{}]}", "/ports", "0 to 3 items"},
        {REC_PATCH, "{}", NULL, NULL},
        {REC_PATCH, "{\"id\":\"" ID "\"}", "/id", "set by the server"},
        {REC_PATCH, "{\"site_id\":null}", "/site_id", "cannot be changed"},
        {REC_PATCH, "{\"name\":null}", "/name", "required"},
        {REC_PATCH, "{\"spare\":{\"last\":1}}", "/spare/first", "required"},
        {REC_PATCH, "{\"ports\":[{\"last\":1}]}", "/ports/0/first", "required"},
        {REC_AGENT, "{\"name\":\"a\",\"id\":\"" ID "\",\"later\":{\"x\":[1]}}", NULL, NULL},
        {REC_AGENT, "{\"later\":1}", "/name", "required"},
        {REC_AGENT, "{\"name\":\"a\",\"ports\":[{\"first\":1,\"later\":0}]}", NULL, NULL},
        {REC_STRICT, "{\"id\":\"" ID "\"}", NULL, NULL},
        {REC_STRICT, "{\"name\":null,\"id\":null}", NULL, NULL},
        {REC_STRICT, "{\"later\":1}", "/later", "unknown"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i]);
}

static void test_raw_nul_and_malformed(void **state)
{
    static const char nul[] = "{\"name\":\"a\0b\"}";
    struct arena a;
    struct rec_errors errors;
    struct sample s;
    arena_init(&a, ARENA);
    assert_int_equal(rec_decode(&sample_rec, REC_CREATE, nul, sizeof(nul) - 1, &a, &s, &errors), -EBADMSG);
    assert_true(errors.malformed);
    assert_int_equal(rec_decode(&sample_rec, REC_CREATE, "{\"name\":1}", 10, &a, &s, &errors), -EBADMSG);
    assert_false(errors.malformed);
    arena_done(&a);
}

static void test_every_error_is_told_up_to_the_limit(void **state)
{
    static const char json[] = "{\"count\":-9,\"colour\":\"x\",\"ports\":[{\"first\":0},{\"last\":1}]}";
    static const char *const pointers[] = {"/count", "/colour", "/ports/0/first", "/ports/1/first", "/name"};
    struct arena a;
    struct rec_errors errors;
    struct sample s;
    BUF_AUTO many = {0};
    arena_init(&a, ARENA);
    assert_int_equal(rec_decode(&sample_rec, REC_CREATE, json, strlen(json), &a, &s, &errors), -EBADMSG);
    assert_int_equal(errors.n, ARRAY_LEN(pointers));
    for (size_t i = 0; i < ARRAY_LEN(pointers); i++)
        assert_string_equal(errors.at[i].pointer, pointers[i]);
    assert_null(s.name);

    for (int i = 0; i < 40; i++)
        buf_printf(&many, "%c\"x%d\":0", i ? ',' : '{', i);
    buf_putc(&many, '}');
    assert_int_equal(rec_decode(&sample_rec, REC_CREATE, many.data, many.len, &a, &s, &errors), -EBADMSG);
    assert_int_equal(errors.n, REC_ERRORS_MAX);
    arena_done(&a);
}

static void test_defaults(void **state)
{
    struct arena a;
    struct rec_errors errors;
    struct sample s;
    arena_init(&a, ARENA);
    memset(&s, 0xff, sizeof(s));
    assert_int_equal(rec_decode(&sample_rec, REC_CREATE, "{\"name\":\"a\"}", 12, &a, &s, &errors), 0);
    assert_string_equal(s.name, "a");
    assert_true(s.enabled && !s.loud && !s.note && !s.count && !s.colour && !s.at && !s.key.p && !s.spare);
    assert_true(!s.ports && !s.n_ports && !s.addresses && !s.n_addresses && !s.extra);
    arena_done(&a);
}

/* RFC 7396: given fields replace, null clears, objects merge, lists are replaced; what was there stays readable. */
static void test_patch(void **state)
{
    static const char patch[] = "{\"note\":null,\"enabled\":null,\"loud\":true,\"spare\":{\"last\":9},"
                                "\"ports\":[{\"first\":7}],\"addresses\":null}";
    struct arena a;
    struct rec_errors errors;
    struct sample_range spare = {1, 2}, ports[] = {{1, 1}, {2, 2}};
    const char *addresses[] = {"::1"};
    struct sample old = {.name = "a",
                         .note = "b",
                         .count = 3,
                         .spare = &spare,
                         .ports = ports,
                         .n_ports = 2,
                         .addresses = addresses,
                         .n_addresses = 1};
    struct sample s = old;
    arena_init(&a, ARENA);
    assert_int_equal(rec_decode(&sample_rec, REC_PATCH, patch, strlen(patch), &a, &s, &errors), 0);
    assert_string_equal(s.name, "a");
    assert_null(s.note);
    assert_int_equal(s.count, 3);
    assert_true(s.enabled && s.loud);
    assert_int_equal(s.spare->first, 1);
    assert_int_equal(s.spare->last, 9);
    assert_int_equal(old.spare->last, 2);
    assert_int_equal(s.n_ports, 1);
    assert_int_equal(s.ports[0].first, 7);
    assert_int_equal(old.ports[0].first, 1);
    assert_int_equal(s.n_addresses, 0);

    struct sample before = s;
    static const char bad[] = "{\"name\":\"z\",\"count\":-9}";
    assert_int_equal(rec_decode(&sample_rec, REC_PATCH, bad, strlen(bad), &a, &s, &errors), -EBADMSG);
    assert_memory_equal(&s, &before, sizeof(s));
    arena_done(&a);
}

static void test_memory_is_bounded(void **state)
{
    struct arena a;
    struct rec_errors errors;
    struct sample s;
    BUF_AUTO json = {0};
    buf_puts(&json, "{\"name\":\"a\",\"extra\":[0");
    for (int i = 0; i < 100000; i++)
        buf_puts(&json, ",0");
    buf_puts(&json, "]}");
    arena_init(&a, ARENA);
    assert_int_equal(rec_decode(&sample_rec, REC_CREATE, json.data, json.len, &a, &s, &errors), -ENOMEM);
    assert_null(s.name);
    arena_done(&a);
    arena_init(&a, 600);
    assert_int_equal(rec_decode(&sample_rec, REC_CREATE, "{\"note\":\"", 9, &a, &s, &errors), -EBADMSG);
    buf_reset(&json);
    buf_puts(&json, "{\"name\":\"a\",\"note\":\"");
    for (int i = 0; i < 700; i++)
        buf_putc(&json, 'x');
    buf_puts(&json, "\"}");
    assert_int_equal(rec_decode(&sample_rec, REC_CREATE, json.data, json.len, &a, &s, &errors), -ENOMEM);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holes_of_the_parser),
        cmocka_unit_test(test_values_and_pointers),
        cmocka_unit_test(test_raw_nul_and_malformed),
        cmocka_unit_test(test_every_error_is_told_up_to_the_limit),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_patch),
        cmocka_unit_test(test_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
