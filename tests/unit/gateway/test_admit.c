/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "base/str.h"
#include "crypto/ca.h"
#include "gateway/admit.h"
#include "gateway/renewals.h"
#include "test.h"
#include <unistd.h>

#define ID(p) p "_01JD2Q8W6Z6T3V9XK4M5N7P8QR"

static const int64_t NOW = INT64_C(1795000000) * 1000000, DAY = INT64_C(86400) * 1000000;

/* An organisation with one gateway and one device, whose half of the exchange is played here. */
static struct {
    char dir[64];
    struct pkey *ca_key, *device_key;
    struct cert *ca, *device_cert;
    char *device_pem;
    struct identity identity;
    struct vault vault;
    struct hello_client hello;
    uint8_t hello_bytes[PSK_HELLO_MAX], signature[PKEY_SIG_MAX], one_shot[PSK_KEY_LEN], r[PSK_KEY_LEN];
    struct gateway_connection connection;
} w;

static struct cert *issue(struct pkey *key, enum cert_kind kind, const char *id)
{
    struct cert *cert;
    struct cert_identity who = {.kind = kind};
    str_copy(who.id, sizeof(who.id), id);
    char *csr = pkey_csr(key, "x");
    assert_int_equal(ca_issue(w.ca_key, w.ca, csr, strlen(csr), &who, NOW, &cert), 0);
    free(csr);
    return cert;
}

static void sign(const struct pkey *key)
{
    w.connection.hello = (struct rec_bytes){w.hello_bytes, hello_client_encode(&w.hello, w.hello_bytes)};
    w.connection.signature =
        (struct rec_bytes){w.signature, pkey_sign(key, w.hello_bytes, w.connection.hello.len, w.signature)};
}

static int setup(void **state)
{
    bool fresh;
    snprintf(w.dir, sizeof(w.dir), "/tmp/postern-admit-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    assert_int_equal(vault_open(&w.vault, w.dir, &fresh), 0);
    assert_true(fresh);
    w.ca_key = pkey_make();
    w.ca = ca_make(w.ca_key, ID("org"), NOW);
    w.device_key = pkey_make();
    w.device_cert = issue(w.device_key, CERT_DEVICE, ID("dev"));
    w.device_pem = cert_to_pem(w.device_cert);
    w.identity.key = pkey_make();
    w.identity.ca = w.ca;
    str_copy(w.identity.id, sizeof(w.identity.id), ID("gwy"));
    str_copy(w.identity.organisation, sizeof(w.identity.organisation), ID("org"));
    str_copy(w.hello.organisation, sizeof(w.hello.organisation), ID("org"));
    str_copy(w.hello.session, sizeof(w.hello.session), ID("ses"));
    str_copy(w.hello.device, sizeof(w.hello.device), ID("dev"));
    rng_bytes(w.hello.wireguard, PSK_KEY_LEN);
    rng_bytes(w.r, sizeof(w.r));
    x25519_make(w.one_shot, w.hello.ephemeral);
    w.connection = (struct gateway_connection){.id = ID("con"),
                                               .session = ID("ses"),
                                               .device = ID("dev"),
                                               .certificate = w.device_pem,
                                               .r = {w.r, sizeof(w.r)},
                                               .inner_v4 = "100.64.0.7",
                                               .inner_v6 = "fd00::7"};
    sign(w.device_key);
    return 0;
}

static int teardown(void **state)
{
    char path[96];
    vault_close(&w.vault);
    pkey_free(w.ca_key);
    pkey_free(w.device_key);
    pkey_free(w.identity.key);
    cert_free(w.ca);
    cert_free(w.device_cert);
    free(w.device_pem);
    snprintf(path, sizeof(path), "%s/vault.sealed", w.dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/seal.key", w.dir);
    unlink(path);
    return rmdir(w.dir);
}

static const char *try(int64_t wall_us, struct vault_peer *out)
{
    struct admission a = {&w.identity, &w.vault, wall_us, 5000};
    return admit(&a, &w.connection, out);
}

static void refused(const char *why)
{
    struct vault_peer p;
    const char *got = try(NOW, &p);
    assert_non_null(got);
    assert_string_equal(got, why);
    assert_true(wg_key_is_zero(&p.psk));
}

static void test_both_ends_have_the_same_key(void **state)
{
    struct vault_peer p;
    struct hello_gateway g;
    struct psk_keys keys;
    uint8_t hash[SHA256_LEN];
    assert_null(try(NOW, &p));
    assert_int_equal(hello_gateway_decode(p.hello, p.n_hello, &g), 0);
    sha256(w.hello_bytes, w.connection.hello.len, hash);
    assert_memory_equal(g.client_hash, hash, sizeof(hash));
    assert_string_equal(g.gateway, ID("gwy"));
    assert_memory_equal(g.wireguard, w.vault.public_key.b, PSK_KEY_LEN);
    assert_int_equal(
        psk_derive(w.one_shot, g.ephemeral, w.r, w.hello_bytes, w.connection.hello.len, p.hello, p.n_hello, &keys), 0);
    assert_memory_equal(keys.psk, p.psk.b, PSK_KEY_LEN);
    struct cert *cert = issue(w.identity.key, CERT_GATEWAY, ID("gwy"));
    assert_true(cert_verify_signature(cert, p.hello, p.n_hello, p.signature, p.n_signature));
    cert_free(cert);
}

static void test_A2_foreign_and_expired_refused(void **state)
{
    struct vault_peer p;
    assert_string_equal(try(NOW + 366 * DAY, &p), "the certificate has expired, or this host's clock is wrong");
    assert_string_equal(try(NOW - DAY, &p), "the certificate is not valid yet, or this host's clock is wrong");
    struct pkey *other = pkey_make();
    w.identity.ca = ca_make(other, ID("org"), NOW);
    refused("the certificate is not of this organisation");
    cert_free(w.identity.ca);
    w.identity.ca = w.ca;
    sign(other); /* the right certificate, another key */
    refused("the device's signature is wrong");
    pkey_free(other);
}

static void test_A2_words_of_others_refused(void **state)
{
    str_copy(w.hello.organisation, sizeof(w.hello.organisation), "org_01JD2Q8W6Z6T3V9XK4M5N7P8QS");
    sign(w.device_key);
    refused("the hello is for another organisation");
    str_copy(w.hello.organisation, sizeof(w.hello.organisation), ID("org"));
    str_copy(w.hello.session, sizeof(w.hello.session), "ses_01JD2Q8W6Z6T3V9XK4M5N7P8QS");
    sign(w.device_key);
    refused("the hello is of another session");
    str_copy(w.hello.session, sizeof(w.hello.session), ID("ses"));
    sign(w.device_key);
    w.connection.hello.len--;
    refused("the hello cannot be read");
    w.connection.hello.len++;
    w.connection.certificate = "-----BEGIN CERTIFICATE-----";
    refused("the device's certificate cannot be read");
    struct cert *gateway = issue(w.device_key, CERT_GATEWAY, ID("gwy"));
    char *pem = cert_to_pem(gateway);
    w.connection.certificate = pem; /* a gateway is no device */
    refused("the certificate is not that of the device");
    free(pem);
    cert_free(gateway);
}

static void test_A1_session_keys_of_others_refused(void **state)
{
    struct vault_peer *p = malloc(sizeof(*p)), again;
    assert_null(try(NOW, p));
    vault_put(&w.vault, p);
    assert_null(try(NOW, &again)); /* the same session asks once more */
    str_copy(p->session, sizeof(p->session), "ses_01JD2Q8W6Z6T3V9XK4M5N7P8QS");
    refused("the session key belongs to another session");
    memcpy(w.hello.wireguard, w.vault.public_key.b, PSK_KEY_LEN);
    sign(w.device_key);
    refused("the session key is not allowed");
    memset(w.hello.wireguard, 0, PSK_KEY_LEN);
    sign(w.device_key);
    refused("the session key is not allowed");
}

static void test_small_order_and_missing_parts_refused(void **state)
{
    memset(w.hello.ephemeral, 0, sizeof(w.hello.ephemeral));
    sign(w.device_key);
    refused("the client's one-shot key is not allowed");
    w.connection.r.p = NULL;
    refused("its keys were lost when the gateway restarted");
    w.connection.r.p = w.r;
    x25519_make(w.one_shot, w.hello.ephemeral);
    sign(w.device_key);
    w.connection.inner_v4 = "fd00::7";
    refused("the inner addresses cannot be read");
}

static void test_vault_survives(void **state)
{
    struct vault_peer *p = malloc(sizeof(*p)), *back;
    struct wg_key private_key = w.vault.private_key;
    bool fresh;
    assert_null(try(NOW, p));
    p->accepted = true;
    vault_put(&w.vault, p);
    assert_int_equal(vault_save(&w.vault), 0);
    struct wg_key psk = p->psk;
    vault_close(&w.vault);
    assert_int_equal(vault_open(&w.vault, w.dir, &fresh), 0);
    assert_false(fresh);
    assert_memory_equal(&w.vault.private_key, &private_key, sizeof(private_key));
    back = vault_find(&w.vault, ID("con"));
    assert_non_null(back);
    assert_memory_equal(&back->psk, &psk, sizeof(psk));
    assert_int_equal(back->made_ms, 5000);
    assert_false(back->accepted); /* asked again */
}

static struct renewal_state renewal(struct message_key *key, const char *gateway, const char *epoch, int64_t seq,
                                    int64_t issued, uint8_t sig[static 64])
{
    struct renewal r = {gateway, epoch, (uint64_t)seq, issued};
    assert_int_equal(renewal_sign(key, &r, sig), 0);
    return (struct renewal_state){gateway, epoch, seq, issued, {sig, 64}};
}

static void test_A4_renewals_only_forward(void **state)
{
    struct message_key key, other;
    struct renewals r;
    uint8_t sig[64];
    struct renewal_state m;
    message_key_make(&key);
    message_key_make(&other);
    renewals_init(&r, &w.vault, key.public_key, ID("gwy"));
    assert_true(renewals_open_until(&r, 1000, INT64_MAX) == 1000 + RENEWAL_SPAN_MS);
    m = renewal(&key, ID("gwy"), "e1", 5, NOW, sig);
    assert_null(renewals_take(&r, &m, 2000));
    assert_true(renewals_open_until(&r, 1000, INT64_MAX) == 2000 + RENEWAL_SPAN_MS);
    assert_true(renewals_open_until(&r, 1000, 2500) == 2500);
    assert_non_null(renewals_take(&r, &m, 3000)); /* again */
    m = renewal(&key, ID("gwy"), "e1", 4, NOW + 1, sig);
    assert_non_null(renewals_take(&r, &m, 3000)); /* older number */
    m = renewal(&other, ID("gwy"), "e1", 6, NOW + 1, sig);
    assert_non_null(renewals_take(&r, &m, 3000)); /* somebody else's */
    m = renewal(&key, "gwy_01JD2Q8W6Z6T3V9XK4M5N7P8QS", "e1", 6, NOW + 1, sig);
    assert_non_null(renewals_take(&r, &m, 3000)); /* another gateway's */
    m = renewal(&key, ID("gwy"), "e0", 900, NOW - 1, sig);
    assert_non_null(renewals_take(&r, &m, 3000)); /* an epoch of the past */
    assert_true(r.at_ms == 2000);
    m = renewal(&key, ID("gwy"), "e2", 1, NOW + 2, sig);
    assert_null(renewals_take(&r, &m, 3000));
    assert_true(r.at_ms == 3000);
    message_key_done(&key);
    message_key_done(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_both_ends_have_the_same_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_A2_foreign_and_expired_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_A2_words_of_others_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_A1_session_keys_of_others_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_small_order_and_missing_parts_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_vault_survives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_A4_renewals_only_forward, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
