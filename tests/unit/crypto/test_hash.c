/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "crypto/hash.h"
#include "test.h"

static size_t unhex(const char *s, uint8_t *out, size_t cap)
{
    size_t n;
    assert_int_equal(hex_decode(s, out, cap, &n), 0);
    return n;
}

static void test_hkdf_rfc5869(void **state)
{
    static const struct {
        const char *ikm, *salt, *info, *okm;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
         "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
         "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
         "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
         "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t ikm[80], salt[80], info[80], want[82], got[82];
        size_t n_ikm = unhex(cases[i].ikm, ikm, sizeof(ikm)), n_salt = unhex(cases[i].salt, salt, sizeof(salt));
        size_t n_info = unhex(cases[i].info, info, sizeof(info)), n = unhex(cases[i].okm, want, sizeof(want));
        hkdf_sha256(salt, n_salt, ikm, n_ikm, info, n_info, got, n);
        assert_memory_equal(got, want, n);
    }
}

static void test_hmac_rfc4231(void **state)
{
    uint8_t want[32], got[32];
    unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", want, sizeof(want));
    hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, got);
    assert_memory_equal(got, want, 32);
}

static void test_sha256(void **state)
{
    uint8_t want[32], got[32];
    unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", want, sizeof(want));
    sha256("abc", 3, got);
    assert_memory_equal(got, want, 32);
    sha256_two("a", 1, "bc", 2, got);
    assert_memory_equal(got, want, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hkdf_rfc5869),
        cmocka_unit_test(test_hmac_rfc4231),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
