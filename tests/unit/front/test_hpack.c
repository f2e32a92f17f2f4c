/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "server/front/hpack.h"
#include "test.h"

static bool ok(const char *p, size_t n)
{
    return hpack_block_ok((const uint8_t *)p, n);
}

#define OK(s) ok(s, sizeof(s) - 1)

/* Blocks of RFC 7541 appendix C. */
static void test_examples(void **state)
{
    assert_true(OK(""));
    assert_true(OK("\x40\x0a"
                   "custom-key\x0d"
                   "custom-header"));
    assert_true(OK("\x04\x0c/sample/path"));
    assert_true(OK("\x10\x08password\x06secret"));
    assert_true(OK("\x82"));
    assert_true(OK("\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"));
    assert_true(OK("\x3f\xe1\x1f\x82")); /* table size update */
}

static void test_malformed(void **state)
{
    assert_false(OK("\x40\x0a"
                    "short"));
    assert_false(OK("\x40"));
    assert_false(OK("\x04"));
    assert_false(OK("\xff"));                         /* integer without its end */
    assert_false(OK("\xff\xff\xff\xff\xff\xff\x01")); /* integer too long */
    assert_false(OK("\x04\x7f\xff\xff\xff\xff\x0f")); /* string longer than any block */
}

static void put_random_string(struct test_rng *rng, struct buf *b)
{
    size_t n = test_rng_below(rng, 200);
    if (n < 127)
        buf_putc(b, (char)n);
    else {
        buf_putc(b, 127);
        if (n - 127 >= 128)
            buf_putc(b, (char)(((n - 127) & 127) | 128));
        buf_putc(b, (char)(n - 127 >= 128 ? (n - 127) >> 7 : n - 127));
    }
    for (size_t i = 0; i < n; i++)
        buf_putc(b, (char)test_rng_next(rng));
}

static void put_random_field(struct test_rng *rng, struct buf *b)
{
    static const unsigned char literals[] = {0x00, 0x10, 0x40};
    switch (test_rng_below(rng, 3)) {
    case 0:
        buf_putc(b, (char)(0x81 + test_rng_below(rng, 60)));
        break;
    case 1:
        buf_putc(b, (char)(literals[test_rng_below(rng, 3)] + 1 + test_rng_below(rng, 14)));
        put_random_string(rng, b);
        break;
    default:
        buf_putc(b, (char)literals[test_rng_below(rng, 3)]);
        put_random_string(rng, b);
        put_random_string(rng, b);
    }
}

/* Exactly HPACK_FIELDS_MAX fields pass, and no prefix that ends inside one does. */
static void test_count(void **state)
{
    struct test_rng rng = test_rng_seeded("count");
    for (int round = 0; round < 200; round++) {
        BUF_AUTO b = {0};
        size_t starts[HPACK_FIELDS_MAX + 1], n = 1 + test_rng_below(&rng, HPACK_FIELDS_MAX);
        for (size_t i = 0; i < n; i++) {
            starts[i] = b.len;
            put_random_field(&rng, &b);
        }
        starts[n] = b.len;
        assert_true(ok(b.data, b.len) == (b.len <= HPACK_BLOCK_MAX));
        for (size_t i = 0; i < n && starts[i + 1] <= HPACK_BLOCK_MAX; i++)
            for (size_t cut = starts[i] + 1; cut < starts[i + 1]; cut += 7)
                assert_false(ok(b.data, cut));
    }
    BUF_AUTO many = {0};
    for (int i = 0; i < HPACK_FIELDS_MAX; i++)
        buf_putc(&many, (char)0x82);
    assert_true(ok(many.data, many.len));
    buf_putc(&many, (char)0x82);
    assert_false(ok(many.data, many.len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
