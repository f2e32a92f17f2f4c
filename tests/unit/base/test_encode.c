/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "test.h"

/* RFC 4648 section 10 */
static void test_rfc4648_vectors(void **state)
{
    static const struct {
        const char *plain, *b64, *url, *hex;
    } rows[] = {
        {"", "", "", ""},
        {"f", "Zg==", "Zg", "66"},
        {"fo", "Zm8=", "Zm8", "666f"},
        {"foo", "Zm9v", "Zm9v", "666f6f"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172"},
        {"\xfb\xff", "+/8=", "-_8", "fbff"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = strlen(rows[i].plain), got;
        char text[64], back[64];
        base64_encode(rows[i].plain, n, text);
        assert_string_equal(text, rows[i].b64);
        assert_int_equal(base64_decode(text, back, sizeof(back), &got), 0);
        assert_int_equal(got, n);
        assert_memory_equal(back, rows[i].plain, n);
        base64url_encode(rows[i].plain, n, text);
        assert_string_equal(text, rows[i].url);
        assert_int_equal(base64url_decode_exact(text, back, n), 0);
        hex_encode(rows[i].plain, n, text);
        assert_string_equal(text, rows[i].hex);
        assert_int_equal(hex_decode_exact(text, back, n), 0);
    }
}

static void test_not_canonical_is_refused(void **state)
{
    static const char *const bad64[] = {
        "Zg", "Zg=", "Zh==", "Z===", "Zg==Zg==", "Zm9=", "Zm 9v", "Zm9v\n", "-_8=", "===="};
    static const char *const badurl[] = {"Zg==", "Zh", "Z", "Zm9", "+/8"};
    static const char *const badhex[] = {"f", "FF", "0g", "0x"};
    char out[64];
    size_t n;
    for (size_t i = 0; i < ARRAY_LEN(bad64); i++)
        assert_int_equal(base64_decode(bad64[i], out, sizeof(out), &n), -EINVAL);
    for (size_t i = 0; i < ARRAY_LEN(badurl); i++)
        assert_int_equal(base64url_decode(badurl[i], out, sizeof(out), &n), -EINVAL);
    for (size_t i = 0; i < ARRAY_LEN(badhex); i++)
        assert_int_equal(hex_decode(badhex[i], out, sizeof(out), &n), -EINVAL);
    assert_int_equal(base64_decode("Zm9vYmFy", out, 5, &n), -ENOSPC);
    assert_int_equal(base64_decode_exact("Zm9v", out, 2), -EINVAL);
    assert_int_equal(base64_decode_exact("Zm9v", out, 4), -EINVAL);
}

static void test_random_round_trips(void **state)
{
    struct test_rng rng = test_rng_seeded(__func__);
    for (int i = 0; i < 20000; i++) {
        unsigned char in[48], back[48];
        char text[HEX_LEN(48)];
        size_t n = test_rng_below(&rng, sizeof(in) + 1);
        for (size_t k = 0; k < n; k++)
            in[k] = (unsigned char)test_rng_next(&rng);
        base64_encode(in, n, text);
        assert_int_equal(base64_decode_exact(text, back, n), 0);
        assert_memory_equal(in, back, n);
        base64url_encode(in, n, text);
        assert_int_equal(base64url_decode_exact(text, back, n), 0);
        assert_memory_equal(in, back, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc4648_vectors),
        cmocka_unit_test(test_not_canonical_is_refused),
        cmocka_unit_test(test_random_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
