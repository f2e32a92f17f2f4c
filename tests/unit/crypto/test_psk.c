/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "base/rng.h"
#include "base/str.h"
#include "crypto/psk.h"
#include "test.h"

static void unhex32(const char *s, uint8_t out[32])
{
    assert_int_equal(hex_decode_exact(s, out, 32), 0);
}

static void test_x25519_rfc7748(void **state)
{
    static const struct {
        const char *scalar, *u, *out;
    } cases[] = {
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t k[32], u[32], want[32], got[32];
        unhex32(cases[i].scalar, k);
        unhex32(cases[i].u, u);
        unhex32(cases[i].out, want);
        assert_int_equal(x25519(got, k, u), 0);
        assert_memory_equal(got, want, 32);
    }
}

static void test_key_pair(void **state)
{
    uint8_t s[32], p[32], again[32];
    x25519_make(s, p);
    assert_int_equal(s[0] & 7, 0);
    assert_int_equal(s[31] & 0xc0, 0x40);
    x25519_public(s, again);
    assert_memory_equal(p, again, 32);
}

static void test_small_order_refused(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        uint8_t s[32], p[32], r[32] = {1}, zero[32] = {0};
        struct psk_keys keys;
        x25519_make(s, p);
        unhex32(points[i], p);
        assert_int_equal(psk_derive(s, p, r, "c", 1, "g", 1, &keys), -EBADMSG);
        assert_memory_equal(s, zero, 32);
        assert_memory_equal(keys.psk, zero, 32);
    }
}

static struct hello_client client_hello(void)
{
    struct hello_client h = {0};
    str_copy(h.organisation, sizeof(h.organisation), "org_01JD2Q8W6Z6T3V9XK4M5N7P8QR");
    str_copy(h.session, sizeof(h.session), "ses_01JD2Q8W6Z6T3V9XK4M5N7P8QR");
    str_copy(h.device, sizeof(h.device), "dev_01JD2Q8W6Z6T3V9XK4M5N7P8QR");
    rng_bytes(h.wireguard, sizeof(h.wireguard));
    rng_bytes(h.nonce, sizeof(h.nonce));
    return h;
}

static void test_hello_round_trip(void **state)
{
    uint8_t bytes[PSK_HELLO_MAX + 1];
    struct hello_client h = client_hello(), back = {0};
    size_t n = hello_client_encode(&h, bytes);
    assert_int_equal(hello_client_decode(bytes, n, &back), 0);
    assert_memory_equal(&h, &back, sizeof(h));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(hello_client_decode(bytes, i, &back), -EBADMSG);
    bytes[n] = 0;
    assert_int_equal(hello_client_decode(bytes, n + 1, &back), -EBADMSG);

    struct hello_gateway g = {.gateway = "gwy_01JD2Q8W6Z6T3V9XK4M5N7P8QR", .boot = "b"}, g_back;
    memset(g_back.gateway, 0, sizeof(g_back.gateway));
    memset(g_back.boot, 0, sizeof(g_back.boot));
    n = hello_gateway_encode(&g, bytes);
    assert_int_equal(hello_gateway_decode(bytes, n, &g_back), 0);
    assert_string_equal(g.gateway, g_back.gateway);
    assert_string_equal(g.boot, g_back.boot);
    /* One hello is never taken for the other. */
    assert_int_equal(hello_client_decode(bytes, n, &back), -EBADMSG);
}

static void test_both_sides_agree(void **state)
{
    uint8_t ec[32], ec_pub[32], eg[32], eg_pub[32], r[32], ec2[32], r2[32], zero[32] = {0};
    struct psk_keys c, g, other;
    x25519_make(ec, ec_pub);
    x25519_make(eg, eg_pub);
    rng_bytes(r, 32);
    memcpy(ec2, ec, 32);
    assert_int_equal(psk_derive(ec, eg_pub, r, "hc", 2, "hg", 2, &c), 0);
    assert_int_equal(psk_derive(eg, ec_pub, r, "hc", 2, "hg", 2, &g), 0);
    assert_memory_equal(&c, &g, sizeof(c));
    assert_memory_equal(ec, zero, 32);
    assert_memory_equal(eg, zero, 32);
    assert_memory_not_equal(c.psk, c.probe_to_client, 32);
    assert_memory_not_equal(c.probe_to_gateway, c.probe_to_client, 32);
    memcpy(ec, ec2, 32);
    memcpy(r2, r, 32);
    r2[0] ^= 1;
    assert_int_equal(psk_derive(ec, eg_pub, r2, "hc", 2, "hg", 2, &other), 0);
    assert_memory_not_equal(other.psk, c.psk, 32);
    assert_int_equal(psk_derive(ec2, eg_pub, r, "hc", 2, "hG", 2, &other), 0);
    assert_memory_not_equal(other.psk, c.psk, 32);
}

/* Computed with another implementation (RFC 7748 ladder, hmac and hashlib of Python), so that a change of the
 * derivation cannot slip in. Secrets are 01..20 and 21..40 (hex), r is 32 times 07. */
static void test_vector(void **state)
{
    static const char *const okm = "7eaf5a9d2c71b245a2bc372876153749744fc714cd2e1ab95d4e18f3276fa35a87ad0a24e03359c439c"
                                   "78a50ac5ebbfa597c0d08b5c7797e8a9883c4da71c16c94fe6d172712c2b96c1b7f0d9cec928188194d"
                                   "86f0cce17963e23762749b0de5";
    uint8_t a[32], a_pub[32], b_pub[32], r[32], want[96];
    struct psk_keys keys;
    for (int i = 0; i < 32; i++)
        a[i] = (uint8_t)(i + 1);
    x25519_public(a, a_pub);
    unhex32("07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c", want);
    assert_memory_equal(a_pub, want, 32);
    unhex32("5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b", b_pub);
    memset(r, 7, sizeof(r));
    assert_int_equal(psk_derive(a, b_pub, r, "hc", 2, "hg", 2, &keys), 0);
    assert_int_equal(hex_decode_exact(okm, want, sizeof(want)), 0);
    assert_memory_equal(keys.psk, want, 32);
    assert_memory_equal(keys.probe_to_gateway, want + 32, 32);
    assert_memory_equal(keys.probe_to_client, want + 64, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_x25519_rfc7748),      cmocka_unit_test(test_key_pair),
        cmocka_unit_test(test_small_order_refused), cmocka_unit_test(test_hello_round_trip),
        cmocka_unit_test(test_both_sides_agree),    cmocka_unit_test(test_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
