/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "record/sample.h"
#include "test.h"
#include <inttypes.h>

static const char *encode(const struct sample *s, unsigned flags)
{
    static struct buf out;
    buf_reset(&out);
    rec_encode(&sample_rec, s, flags, &out);
    return buf_str(&out);
}

static void test_empty_record(void **state)
{
    assert_string_equal(encode(&(struct sample){0}, 0),
                        "{\"id\":null,\"name\":null,\"note\":null,\"count\":0,\"any\":0,\"enabled\":false,"
                        "\"loud\":false,\"colour\":\"red\",\"at\":null,\"secret\":null,\"site_id\":null,"
                        "\"addresses\":[],\"spare\":null,\"ports\":[]}");
}

static void test_full_record_and_redaction(void **state)
{
    struct sample_range r[] = {{1, 2}, {3, 0}};
    const char *addresses[] = {"::1", "10.0.0.0/8"};
    struct sample s = {.name = "a\"\\\n\x01\xc3\xa9\xff",
                       .at = 1000000,
                       .key = {(const uint8_t *)"\x01\x02", 2},
                       .secret = "s",
                       .addresses = addresses,
                       .n_addresses = 2,
                       .spare = r,
                       .ports = r,
                       .n_ports = 2,
                       .extra = "{\"x\":[1]}"};
    assert_string_equal(encode(&s, REC_REDACT),
                        "{\"id\":null,\"name\":\"a\\\"\\\\\\n\\u0001\xc3\xa9\xef\xbf\xbd\",\"note\":null,\"count\":0,"
                        "\"any\":0,\"enabled\":false,\"loud\":false,\"colour\":\"red\",\"at\":\"1970-01-01T00:00:01Z\","
                        "\"key\":\"AQI=\",\"secret\":\"***\",\"site_id\":null,\"addresses\":[\"::1\",\"10.0.0.0/8\"],"
                        "\"spare\":{\"first\":1,\"last\":2},\"ports\":[{\"first\":1,\"last\":2},"
                        "{\"first\":3,\"last\":null}],\"extra\":{\"x\":[1]}}");
    assert_non_null(strstr(encode(&s, 0), "\"secret\":\"s\""));
    assert_non_null(strstr(encode(&s, REC_PRETTY), "\n  \"spare\": {\n    \"first\": 1,\n"));
}

static const char *diff(const struct sample *x, const struct sample *y)
{
    static struct buf out;
    buf_reset(&out);
    rec_diff(&sample_rec, x, y, &out);
    return buf_str(&out);
}

static void test_diff(void **state)
{
    struct sample_range r1 = {1, 2}, r2 = {1, 3};
    struct sample x = {.name = "a", .secret = "old", .spare = &r1, .enabled = true}, y = x;
    assert_string_equal(diff(&x, &y), "{}");
    assert_true(rec_equal(&sample_rec, &x, &y));
    y.secret = "new";
    y.spare = &r2;
    assert_string_equal(diff(&x, &y),
                        "{\"secret\":{\"before\":\"***\",\"after\":\"***\"},"
                        "\"spare\":{\"before\":{\"first\":1,\"last\":2},\"after\":{\"first\":1,\"last\":3}}}");
    assert_false(rec_equal(&sample_rec, &x, &y));
    y = (struct sample){.name = "b"};
    assert_string_equal(diff(NULL, &y),
                        "{\"name\":{\"before\":null,\"after\":\"b\"},\"count\":{\"before\":null,\"after\":0},"
                        "\"any\":{\"before\":null,\"after\":0},\"enabled\":{\"before\":null,\"after\":false},"
                        "\"loud\":{\"before\":null,\"after\":false},\"colour\":{\"before\":null,\"after\":\"red\"}}");
    assert_non_null(strstr(diff(&y, NULL), "\"name\":{\"before\":\"b\",\"after\":null}"));
}

/* --- random records: our encoder against one written by hand, and there and back --- */

static char *random_text(struct test_rng *rng, struct arena *a, bool name)
{
    static const char *const chars[] = {"a",  "Z", "0",        "\"",           "\\",   "/",
                                        "\n", " ", "\xc3\xa9", "\xe2\x82\xac", "\x01", "\xf0\x9f\x98\x80"};
    BUF_AUTO text = {0};
    size_t n = name ? 1 + test_rng_below(rng, 4) : test_rng_below(rng, 20);
    for (size_t i = 0; i < n; i++)
        buf_puts(&text, chars[test_rng_below(rng, name ? 3 : ARRAY_LEN(chars))]);
    return arena_strdup(a, buf_str(&text));
}

static struct sample random_sample(struct test_rng *rng, struct arena *a)
{
    static const char *addresses[] = {"::1", "10.0.0.0/8", "192.0.2.7", "2001:db8::/32"};
    struct sample_range *ranges = arena_array(a, 4, sizeof(*ranges));
    struct sample s = {.name = random_text(rng, a, true), .addresses = addresses, .ports = ranges};
    for (int i = 0; i < 4; i++)
        ranges[i] = (struct sample_range){1 + (int64_t)test_rng_below(rng, 65535), (int64_t)test_rng_below(rng, 65536)};
    if (test_rng_below(rng, 2))
        s.note = random_text(rng, a, false);
    s.count = (int64_t)test_rng_below(rng, UINT64_C(1) << 53) - 5;
    s.any = (int64_t)test_rng_below(rng, UINT64_C(1) << 54) - REC_INT_MAX;
    s.enabled = test_rng_below(rng, 2);
    s.loud = test_rng_below(rng, 2);
    s.colour = (int)test_rng_below(rng, 3);
    s.at = (int64_t)test_rng_below(rng, 4000000000) * (int64_t)test_rng_below(rng, 2) * 1000000;
    s.key.len = 2 + test_rng_below(rng, 7);
    s.key.p = test_rng_below(rng, 2) ? (const uint8_t *)"\xff\x00\x10\x20\x30\x40\x50\x60" : NULL;
    s.key.len = s.key.p ? s.key.len : 0;
    s.secret = test_rng_below(rng, 2) ? random_text(rng, a, false) : NULL;
    s.n_addresses = test_rng_below(rng, 5);
    s.spare = test_rng_below(rng, 2) ? &ranges[3] : NULL;
    s.n_ports = test_rng_below(rng, 4);
    s.extra = test_rng_below(rng, 2) ? "[1,null,true,{\"a\":\"\\u0001\",\"b\":1000000000000000}]" : NULL;
    return s;
}

static void naive_text(const char *s, struct buf *out)
{
    if (!s) {
        buf_puts(out, "null");
        return;
    }
    buf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '\n')
            buf_puts(out, "\\n");
        else if ((unsigned char)*s < 0x20)
            buf_printf(out, "\\u%04x", (unsigned char)*s);
        else if (*s == '"' || *s == '\\')
            buf_printf(out, "\\%c", *s);
        else
            buf_putc(out, *s);
    }
    buf_putc(out, '"');
}

static void naive_range(const struct sample_range *r, struct buf *out)
{
    buf_printf(out, "{\"first\":%" PRId64 ",\"last\":", r->first);
    if (r->last)
        buf_printf(out, "%" PRId64 "}", r->last);
    else
        buf_puts(out, "null}");
}

static void naive_key(const struct sample *s, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buf_puts(out, ",\"key\":\"");
    for (size_t bit = 0; bit < (s->key.len + 2) / 3 * 24; bit += 6) {
        unsigned v = 0;
        for (size_t b = bit; b < bit + 6; b++)
            v = v << 1 | (b / 8 < s->key.len ? s->key.p[b / 8] >> (7 - b % 8) & 1u : 0);
        buf_putc(out, bit < s->key.len * 8 ? digits[v] : '=');
    }
    buf_putc(out, '"');
}

static void naive_time(int64_t us, struct buf *out)
{
    char text[64];
    time_t t = us / 1000000;
    struct tm tm;
    if (strftime(text, sizeof(text), "\"%Y-%m-%dT%H:%M:%SZ\"", gmtime_r(&t, &tm)) && us)
        buf_puts(out, text);
    else
        buf_puts(out, "null");
}

static const char *naive_encode(const struct sample *s)
{
    static struct buf text;
    struct buf *out = &text;
    buf_reset(out);
    buf_puts(out, "{\"id\":null,\"name\":");
    naive_text(s->name, out);
    buf_puts(out, ",\"note\":");
    naive_text(s->note, out);
    buf_printf(out, ",\"count\":%" PRId64 ",\"any\":%" PRId64 ",\"enabled\":%s,\"loud\":%s,\"colour\":\"%s\",\"at\":",
               s->count, s->any, s->enabled ? "true" : "false", s->loud ? "true" : "false",
               s->colour == 0   ? "red"
               : s->colour == 1 ? "green"
                                : "blue");
    naive_time(s->at, out);
    if (s->key.p)
        naive_key(s, out);
    buf_puts(out, ",\"secret\":");
    naive_text(s->secret, out);
    buf_puts(out, ",\"site_id\":null,\"addresses\":[");
    for (size_t i = 0; i < s->n_addresses; i++)
        buf_printf(out, "%s\"%s\"", i ? "," : "", s->addresses[i]);
    buf_puts(out, "],\"spare\":");
    if (s->spare)
        naive_range(s->spare, out);
    else
        buf_puts(out, "null");
    buf_puts(out, ",\"ports\":[");
    for (size_t i = 0; i < s->n_ports; i++) {
        buf_puts(out, i ? "," : "");
        naive_range(&s->ports[i], out);
    }
    buf_puts(out, "]");
    if (s->extra)
        buf_printf(out, ",\"extra\":%s", s->extra);
    buf_puts(out, "}");
    return buf_str(out);
}

static void test_random_records_there_and_back(void **state)
{
    struct test_rng rng = test_rng_seeded("record");
    for (int i = 0; i < 3000; i++) {
        struct arena a;
        struct rec_errors errors;
        struct sample back, s;
        arena_init(&a, 1 << 20);
        s = random_sample(&rng, &a);
        const char *json = encode(&s, 0);
        assert_string_equal(json, naive_encode(&s));
        if (rec_decode(&sample_rec, REC_STRICT, json, strlen(json), &a, &back, &errors))
            fail_msg("%s: %s %s", json, errors.at[0].pointer, errors.at[0].detail);
        assert_true(rec_equal(&sample_rec, &s, &back));
        assert_string_equal(encode(&back, 0), naive_encode(&s));
        const char *pretty = encode(&s, REC_PRETTY);
        assert_int_equal(rec_decode(&sample_rec, REC_AGENT, pretty, strlen(pretty), &a, &back, &errors), 0);
        assert_true(rec_equal(&sample_rec, &s, &back));
        arena_done(&a);
    }
}

/* Difference and equality agree with comparing the encodings. */
static void test_random_equality(void **state)
{
    struct test_rng rng = test_rng_seeded("equality");
    for (int i = 0; i < 500; i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        struct sample x = random_sample(&rng, &a), y = x;
        if (test_rng_below(&rng, 2)) {
            struct sample z = random_sample(&rng, &a);
            const struct rec_field *f = &sample_rec.fields[test_rng_below(&rng, 9)];
            memcpy((char *)&y + f->off, (char *)&z + f->off, f->type == REC_BOOL ? 1 : f->type == REC_ENUM ? 4 : 8);
        }
        char *text = str_dup(encode(&x, 0));
        bool same = str_eq(text, encode(&y, 0));
        free(text);
        assert_int_equal(rec_equal(&sample_rec, &x, &y), same);
        assert_int_equal(str_eq(diff(&x, &y), "{}"), same);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_record),
        cmocka_unit_test(test_full_record_and_redaction),
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_random_records_there_and_back),
        cmocka_unit_test(test_random_equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
