/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cert.h"
#include "base/encode.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/internal.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <time.h>

static const struct {
    const char *uri, *prefix;
} KINDS[] = {[CERT_GATEWAY] = {"postern:gateway:", "gwy"}, [CERT_DEVICE] = {"postern:device:", "dev"}};

struct cert *cert_wrap(X509 *x509)
{
    struct cert *cert = xalloc(sizeof(*cert));
    cert->x509 = x509;
    return cert;
}

static int parsed(X509 *x509, struct cert **out)
{
    ERR_clear_error();
    *out = x509 ? cert_wrap(x509) : NULL;
    return x509 ? 0 : -EBADMSG;
}

int cert_parse_pem(const void *pem, size_t n, struct cert **out)
{
    BIO *bio = n <= CERT_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
    X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, pem_no_password, NULL) : NULL;
    BIO_free(bio);
    return parsed(x509, out);
}

int cert_parse_der(const void *der, size_t n, struct cert **out)
{
    const unsigned char *at = der;
    X509 *x509 = n <= CERT_MAX ? d2i_X509(NULL, &at, (long)n) : NULL;
    if (x509 && at != (const unsigned char *)der + n) {
        X509_free(x509);
        x509 = NULL;
    }
    return parsed(x509, out);
}

void cert_free(struct cert *cert)
{
    if (!cert)
        return;
    X509_free(cert->x509);
    free(cert);
}

char *cert_to_pem(const struct cert *cert)
{
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || !PEM_write_bio_X509(bio, cert->x509))
        abort();
    long n = BIO_get_mem_data(bio, &text);
    char *out = xalloc((size_t)n + 1);
    memcpy(out, text, (size_t)n);
    BIO_free(bio);
    return out;
}

uint8_t *cert_to_der(const struct cert *cert, size_t *n)
{
    int len = i2d_X509(cert->x509, NULL);
    if (len <= 0)
        abort();
    uint8_t *out = xalloc((size_t)len), *at = out;
    i2d_X509(cert->x509, &at);
    *n = (size_t)len;
    return out;
}

void cert_fingerprint(const struct cert *cert, uint8_t out[static CERT_FINGERPRINT_LEN])
{
    if (X509_digest(cert->x509, EVP_sha256(), out, NULL) != 1)
        abort();
}

void cert_pin(const struct cert *cert, char out[static CERT_PIN_LEN])
{
    uint8_t hash[SHA256_LEN], *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->x509), &der);
    if (n <= 0)
        abort();
    sha256(der, (size_t)n, hash);
    OPENSSL_free(der);
    str_copy(out, CERT_PIN_LEN, "sha256//");
    base64_encode(hash, sizeof(hash), out + strlen("sha256//"));
}

static int identity_of_uri(const char *uri, size_t n, struct cert_identity *out)
{
    if (memchr(uri, 0, n))
        return -EBADMSG;
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        size_t head = strlen(KINDS[i].uri);
        if (n <= head || n - head >= sizeof(out->id) || memcmp(uri, KINDS[i].uri, head) != 0)
            continue;
        out->kind = (enum cert_kind)i;
        memcpy(out->id, uri + head, n - head);
        out->id[n - head] = '\0';
        return id_valid(out->id, KINDS[i].prefix) ? 0 : -EBADMSG;
    }
    return -EBADMSG;
}

int cert_identity(const struct cert *cert, struct cert_identity *out)
{
    int r = -EBADMSG, n_uris = 0;
    *out = (struct cert_identity){0};
    GENERAL_NAMES *names = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI)
            continue;
        const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
        n_uris++;
        r = identity_of_uri((const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri), out);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return n_uris == 1 ? r : -EBADMSG;
}

static int64_t time_us(const ASN1_TIME *t)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return INT64_MIN;
    return (int64_t)timegm(&tm) * 1000000;
}

int64_t cert_not_before_us(const struct cert *cert)
{
    return time_us(X509_get0_notBefore(cert->x509));
}

int64_t cert_not_after_us(const struct cert *cert)
{
    return time_us(X509_get0_notAfter(cert->x509));
}

static enum cert_verdict verdict_of(int code)
{
    switch (code) {
    case X509_V_OK:
        return CERT_OK;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return CERT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return CERT_NOT_YET;
    default:
        return CERT_FOREIGN;
    }
}

enum cert_verdict cert_verify(const struct cert *cert, const struct cert *ca, int64_t at_us)
{
    enum cert_verdict verdict = CERT_FOREIGN;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!store || !ctx || !X509_STORE_add_cert(store, ca->x509) || !X509_STORE_CTX_init(ctx, store, cert->x509, NULL))
        abort();
    X509_STORE_CTX_set_time(ctx, 0, (time_t)(at_us / 1000000));
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
    if (X509_verify_cert(ctx) == 1)
        verdict = evp_is_p256(X509_get0_pubkey(cert->x509)) ? CERT_OK : CERT_FOREIGN;
    else
        verdict = verdict_of(X509_STORE_CTX_get_error(ctx));
    /* The CA itself is never a device. */
    if (verdict == CERT_OK && X509_cmp(cert->x509, ca->x509) == 0)
        verdict = CERT_FOREIGN;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return verdict;
}

const char *cert_verdict_text(enum cert_verdict verdict)
{
    static const char *const texts[] = {[CERT_OK] = "the certificate is valid",
                                        [CERT_EXPIRED] = "the certificate has expired, or this host's clock is wrong",
                                        [CERT_NOT_YET] =
                                            "the certificate is not valid yet, or this host's clock is wrong",
                                        [CERT_FOREIGN] = "the certificate is not of this organisation"};
    return texts[verdict];
}

bool cert_verify_signature(const struct cert *cert, const void *p, size_t n, const void *sig, size_t n_sig)
{
    EVP_PKEY *evp = X509_get0_pubkey(cert->x509);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        abort();
    bool ok = evp_is_p256(evp) && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, evp) == 1 &&
              EVP_DigestVerify(ctx, sig, n_sig, p, n) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}
