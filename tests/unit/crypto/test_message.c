/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "crypto/message.h"
#include "test.h"

static const struct renewal GOOD = {"gwy_01JD2Q8W6Z6T3V9XK4M5N7P8QR", "e1", 7, 1795000000000000};

static void test_rfc8032(void **state)
{
    uint8_t seed[32], want[64], sig[64];
    struct message_key k;
    assert_int_equal(hex_decode_exact("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", seed, 32), 0);
    message_key_from_seed(&k, seed);
    assert_int_equal(hex_decode_exact("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", want, 32), 0);
    assert_memory_equal(k.public_key, want, 32);
    message_sign(&k, "", 0, sig);
    assert_int_equal(
        hex_decode_exact("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
                         "39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
                         want, 64),
        0);
    assert_memory_equal(sig, want, 64);
    message_key_done(&k);
}

static void test_every_field_counts(void **state)
{
    struct message_key k, other;
    uint8_t sig[64];
    message_key_make(&k);
    message_key_make(&other);
    assert_int_equal(renewal_sign(&k, &GOOD, sig), 0);
    assert_true(renewal_verify(k.public_key, &GOOD, sig));
    assert_false(renewal_verify(other.public_key, &GOOD, sig));
    struct renewal bad[] = {GOOD, GOOD, GOOD, GOOD, GOOD};
    bad[0].gateway = "gwy_01JD2Q8W6Z6T3V9XK4M5N7P8QS";
    bad[1].epoch = "e2";
    bad[2].seq++;
    bad[3].issued_us--;
    /* A byte that moves from one field to the next is another message. */
    bad[4].gateway = "gwy_01JD2Q8W6Z6T3V9XK4M5N7P8QRe";
    bad[4].epoch = "1";
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(renewal_verify(k.public_key, &bad[i], sig));
    sig[10] ^= 1;
    assert_false(renewal_verify(k.public_key, &GOOD, sig));
    message_key_done(&k);
    message_key_done(&other);
}

static void test_too_long(void **state)
{
    struct message_key k;
    uint8_t sig[64];
    char epoch[66];
    memset(epoch, 'e', sizeof(epoch) - 1);
    epoch[65] = '\0';
    struct renewal r = GOOD;
    message_key_make(&k);
    r.epoch = epoch;
    assert_int_equal(renewal_sign(&k, &r, sig), -EINVAL);
    r.epoch = epoch + 1;
    assert_int_equal(renewal_sign(&k, &r, sig), 0);
    message_key_done(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc8032),
        cmocka_unit_test(test_every_field_counts),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
