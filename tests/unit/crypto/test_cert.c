/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "crypto/authority.h"
#include "test.h"
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

static const int64_t NOW = INT64_C(1795000000) * 1000000, DAY = INT64_C(86400) * 1000000;

struct world {
    struct pkey *ca_key, *key;
    struct cert *ca, *cert;
    struct cert_identity who;
};

static struct world w;

static struct cert *issue(struct pkey *ca_key, struct cert *ca, struct pkey *key)
{
    struct cert *cert;
    char *csr = pkey_csr(key, "ignored by the CA");
    assert_int_equal(ca_issue(ca_key, ca, csr, strlen(csr), &w.who, NOW, &cert), 0);
    free(csr);
    return cert;
}

static int setup(void **state)
{
    w.who.kind = CERT_DEVICE;
    id_new("dev", NOW / 1000, w.who.id);
    w.ca_key = pkey_make();
    w.ca = ca_make(w.ca_key, "org_01JD2Q8W6Z6T3V9XK4M5N7P8QR", NOW);
    w.key = pkey_make();
    w.cert = issue(w.ca_key, w.ca, w.key);
    return 0;
}

static int teardown(void **state)
{
    pkey_free(w.ca_key);
    pkey_free(w.key);
    cert_free(w.ca);
    cert_free(w.cert);
    return 0;
}

static void test_issue_and_verify(void **state)
{
    struct cert_identity who;
    assert_int_equal(cert_verify(w.cert, w.ca, NOW), CERT_OK);
    assert_int_equal(cert_identity(w.cert, &who), 0);
    assert_int_equal(who.kind, CERT_DEVICE);
    assert_string_equal(who.id, w.who.id);
    assert_true(cert_not_before_us(w.cert) <= NOW);
    assert_true(cert_not_after_us(w.cert) == NOW + 365 * DAY);
    assert_int_equal(cert_identity(w.ca, &who), -EBADMSG);
}

static void test_time(void **state)
{
    assert_int_equal(cert_verify(w.cert, w.ca, NOW + 364 * DAY), CERT_OK);
    assert_int_equal(cert_verify(w.cert, w.ca, NOW + 366 * DAY), CERT_EXPIRED);
    assert_int_equal(cert_verify(w.cert, w.ca, NOW - DAY), CERT_NOT_YET);
}

static void test_foreign_ca(void **state)
{
    /* The same name and another key: only the signature tells. */
    struct pkey *key = pkey_make();
    struct cert *ca = ca_make(key, "org_01JD2Q8W6Z6T3V9XK4M5N7P8QR", NOW);
    struct cert *cert = issue(key, ca, w.key);
    assert_int_equal(cert_verify(cert, ca, NOW), CERT_OK);
    assert_int_equal(cert_verify(cert, w.ca, NOW), CERT_FOREIGN);
    assert_int_equal(cert_verify(w.ca, w.ca, NOW), CERT_FOREIGN);
    cert_free(cert);
    cert_free(ca);
    pkey_free(key);
}

static void test_device_is_no_ca(void **state)
{
    /* A device signs a certificate for itself and shows it below its own. */
    struct cert *forged = issue(w.key, w.cert, w.key);
    assert_int_equal(cert_verify(forged, w.ca, NOW), CERT_FOREIGN);
    assert_int_equal(cert_verify(forged, w.cert, NOW), CERT_FOREIGN);
    cert_free(forged);
}

static void test_server_certificate_is_no_device(void **state)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"}, *const bad[] = {"a,b"};
    struct cert *tls;
    char pin[CERT_PIN_LEN];
    assert_int_equal(ca_self_signed(w.key, names, 3, NOW, &tls), 0);
    assert_int_equal(cert_verify(tls, w.ca, NOW), CERT_FOREIGN);
    cert_pin(tls, pin);
    assert_true(str_starts(pin, "sha256//") && strlen(pin) == CERT_PIN_LEN - 1);
    cert_free(tls);
    assert_int_equal(ca_self_signed(w.key, bad, 1, NOW, &tls), -EINVAL);
}

static void test_signatures(void **state)
{
    uint8_t sig[PKEY_SIG_MAX];
    struct pkey *other = pkey_make();
    size_t n = pkey_sign(w.key, "hello", 5, sig);
    assert_true(cert_verify_signature(w.cert, "hello", 5, sig, n));
    assert_false(cert_verify_signature(w.cert, "hellO", 5, sig, n));
    assert_false(cert_verify_signature(w.cert, "hello", 5, sig, n - 1));
    assert_false(cert_verify_signature(w.cert, "hello", 5, sig, 0));
    n = pkey_sign(other, "hello", 5, sig);
    assert_false(cert_verify_signature(w.cert, "hello", 5, sig, n));
    pkey_free(other);
}

static void test_forms(void **state)
{
    uint8_t a[CERT_FINGERPRINT_LEN], b[CERT_FINGERPRINT_LEN];
    size_t n;
    struct cert *copy;
    uint8_t *der = cert_to_der(w.cert, &n);
    char *pem = cert_to_pem(w.cert);
    cert_fingerprint(w.cert, a);
    assert_int_equal(cert_parse_der(der, n, &copy), 0);
    cert_fingerprint(copy, b);
    assert_memory_equal(a, b, sizeof(a));
    cert_free(copy);
    assert_int_equal(cert_parse_pem(pem, strlen(pem), &copy), 0);
    cert_free(copy);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(cert_parse_der(der, i, &copy), -EBADMSG);
    for (size_t i = 0; i < strlen(pem) - 2; i++)
        assert_int_equal(cert_parse_pem(pem, i, &copy), -EBADMSG);
    free(der);
    free(pem);
}

static char *request_of(EVP_PKEY *key, EVP_PKEY *signer)
{
    char *text;
    X509_REQ *req = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(X509_REQ_set_pubkey(req, key) && X509_REQ_sign(req, signer, EVP_sha256()));
    assert_true(PEM_write_bio_X509_REQ(bio, req));
    long n = BIO_get_mem_data(bio, &text);
    char *out = xalloc((size_t)n + 1);
    memcpy(out, text, (size_t)n);
    BIO_free(bio);
    X509_REQ_free(req);
    return out;
}

static int try_issue(const char *csr, size_t n)
{
    struct cert *cert;
    int r = ca_issue(w.ca_key, w.ca, csr, n, &w.who, NOW, &cert);
    cert_free(cert);
    return r;
}

static void test_bad_requests(void **state)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *p384 = EVP_EC_gen("P-384"), *a = EVP_EC_gen("P-256"), *b = EVP_EC_gen("P-256");
    char *of_rsa = request_of(rsa, rsa), *of_p384 = request_of(p384, p384), *stolen = request_of(a, b);
    char *good = request_of(a, a);
    assert_int_equal(try_issue(of_rsa, strlen(of_rsa)), -EPROTONOSUPPORT);
    assert_int_equal(try_issue(of_p384, strlen(of_p384)), -EPROTONOSUPPORT);
    assert_int_equal(try_issue(stolen, strlen(stolen)), -EBADMSG);
    assert_int_equal(try_issue(good, strlen(good)), 0);
    for (size_t i = 0; i < strlen(good) - 2; i += 7)
        assert_int_equal(try_issue(good, i), -EBADMSG);
    assert_int_equal(try_issue("", 0), -EBADMSG);
    free(of_rsa);
    free(of_p384);
    free(stolen);
    free(good);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
}

static void test_private_key_forms(void **state)
{
    struct pkey *copy;
    SECRET_AUTO pem = pkey_to_pem(w.key);
    assert_int_equal(pem.p[pem.len], 0);
    assert_int_equal(pkey_from_pem(pem.p, pem.len, &copy), 0);
    uint8_t sig[PKEY_SIG_MAX];
    size_t n = pkey_sign(copy, "x", 1, sig);
    assert_true(cert_verify_signature(w.cert, "x", 1, sig, n));
    pkey_free(copy);
    assert_int_equal(pkey_from_pem(pem.p, pem.len / 2, &copy), -EBADMSG);
    assert_null(copy);
}

static void test_authority_survives(void **state)
{
    char dir[] = "/tmp/postern-authority-XXXXXX", path[64];
    struct seal seal;
    struct authority first, second;
    uint8_t a[CERT_FINGERPRINT_LEN], b[CERT_FINGERPRINT_LEN], sig[MESSAGE_SIG_LEN];
    assert_non_null(mkdtemp(dir));
    assert_int_equal(seal_open(&seal, dir), 0);
    assert_int_equal(authority_open(&first, &seal, "org", NOW), 0);
    assert_int_equal(authority_open(&second, &seal, "org", NOW), 0);
    cert_fingerprint(first.ca, a);
    cert_fingerprint(second.ca, b);
    assert_memory_equal(a, b, sizeof(a));
    message_sign(&second.messages, "m", 1, sig);
    assert_true(message_verify(first.messages.public_key, "m", 1, sig));
    struct cert *cert = issue(second.ca_key, second.ca, w.key);
    assert_int_equal(cert_verify(cert, first.ca, NOW), CERT_OK);
    cert_free(cert);
    authority_close(&first);
    authority_close(&second);
    seal_close(&seal);
    snprintf(path, sizeof(path), "%s/authority.sealed", dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/seal.key", dir);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issue_and_verify),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_foreign_ca),
        cmocka_unit_test(test_device_is_no_ca),
        cmocka_unit_test(test_server_certificate_is_no_device),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_private_key_forms),
        cmocka_unit_test(test_authority_survives),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
