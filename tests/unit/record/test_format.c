/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record.h"
#include "record/utf8.h"
#include "test.h"

static const struct row {
    const struct rec_format *format;
    const char *text;
    bool ok;
} rows[] = {
    {&rec_id, "sit_01JD2Q8W6Z6T3V9XK4M5N7P8QR", true},
    {&rec_id, "sit_01JD2Q8W6Z6T3V9XK4M5N7P8Q", false},
    {&rec_id, "sit_01JD2Q8W6Z6T3V9XK4M5N7P8QI", false},
    {&rec_id, "s_01JD2Q8W6Z6T3V9XK4M5N7P8QR", false},
    {&rec_id, "Sit_01JD2Q8W6Z6T3V9XK4M5N7P8QR", false},
    {&rec_id, "hq", false},
    {&rec_name, "head office 2", true},
    {&rec_name, "B\xc3\xbcro \xf0\x9f\x8f\xa2", true},
    {&rec_name, "", false},
    {&rec_name, " x", false},
    {&rec_name, "x ", false},
    {&rec_name, "x\ty", false},
    {&rec_name, "x\x7f", false},
    {&rec_name, "x\xc2\x85y", false},       /* NEL */
    {&rec_name, "x\xc2\xa0", false},        /* no-break space at the end */
    {&rec_name, "a\xe2\x80\xaeg", false},   /* right-to-left override */
    {&rec_name, "a\xe2\x81\xa6g", false},   /* isolate */
    {&rec_name, "a\xe2\x80\x8c\x67", true}, /* zero-width non-joiner: Persian needs it */
    {&rec_name, "a\xff", false},
    {&rec_email, "ann@example.org", true},
    {&rec_email, "Ann.B+x@sub.example.org", true},
    {&rec_email, "ann@host", true},
    {&rec_email, "ann", false},
    {&rec_email, "@example.org", false},
    {&rec_email, "ann@", false},
    {&rec_email, "a..b@example.org", false},
    {&rec_email, ".a@example.org", false},
    {&rec_email, "ann@example..org", false},
    {&rec_email, "ann@-example.org", false},
    {&rec_email, "ann@example.org.", false},
    {&rec_email, "a b@example.org", false},
    {&rec_email, "ann@a@b", false},
    {&rec_email, "ann\n@example.org", false},
    {&rec_address, "10.0.0.5", true},
    {&rec_address, "2001:db8::1", true},
    {&rec_address, "10.0.0.5/32", false},
    {&rec_address, "::ffff:10.0.0.5", false},
    {&rec_address, "10.0.5", false},
    {&rec_address, "nonsense", false},
    {&rec_address, "", false},
    {&rec_prefix, "10.0.0.5", true},
    {&rec_prefix, "10.0.0.0/8", true},
    {&rec_prefix, "0.0.0.0/0", true},
    {&rec_prefix, "::/0", true},
    {&rec_prefix, "2001:db8::/32", true},
    {&rec_prefix, "2001:db8::1/128", true},
    {&rec_prefix, "10.0.0.1/8", false},
    {&rec_prefix, "10.0.0.0/33", false},
    {&rec_prefix, "10.0.0.0/08", false},
    {&rec_prefix, "10.0.0.0/", false},
    {&rec_prefix, "10.0.0.0/-1", false},
    {&rec_prefix, "10.0.0", false},
    {&rec_prefix, "010.0.0.1", false},
    {&rec_prefix, "10.0.0.1 ", false},
    {&rec_prefix, "2001:db8::1/64", false},
    {&rec_prefix, "::/129", false},
    {&rec_prefix, "::ffff:10.0.0.1", false},
    {&rec_prefix, "fe80::1%eth0", false},
    {&rec_prefix, "", false},
    {&rec_endpoint, "198.51.100.2:51820", true},
    {&rec_endpoint, "[2001:db8::1]:51820", true},
    {&rec_endpoint, "198.51.100.2", false},
    {&rec_endpoint, "198.51.100.2:0", false},
    {&rec_endpoint, "198.51.100.2:65536", false},
    {&rec_endpoint, "198.51.100.2:051", false},
    {&rec_endpoint, "2001:db8::1:51820", false},
    {&rec_endpoint, "[198.51.100.2]:51820", false},
    {&rec_endpoint, "[2001:db8::1]", false},
    {&rec_endpoint, "[2001:db8::1:51820", false},
    {&rec_endpoint, "host:1", false},
    {&rec_endpoint, "", false},
};

static void test_formats(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].format->ok(rows[i].text) != rows[i].ok)
            fail_msg("%s should be %s", rows[i].text, rows[i].ok ? "taken" : "refused");
}

/* Every code point, written by the rule of RFC 3629 section 3, comes back; what lies outside does not. */
static void test_utf8_all_code_points(void **state)
{
    for (uint32_t c = 1; c <= 0x120000; c++) {
        char s[5] = {0};
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = n; i-- > 1;)
            s[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
        s[0] = (char)(lead[n] | c >> 6 * (n - 1));
        uint32_t got = 0;
        bool valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        assert_int_equal(utf8_next(s, n, &got), valid ? n : 0);
        assert_true(!valid || got == c);
        assert_int_equal(utf8_next(s, n - 1, &got), 0);
    }
    assert_int_equal(utf8_count("a\xc3\xa9\xff\xe2\x82"), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_utf8_all_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
