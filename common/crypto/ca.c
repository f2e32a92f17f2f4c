/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ca.h"
#include "base/rng.h"
#include "crypto/internal.h"
#include "net/addr.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { DAY_S = 86400, SKEW_S = 300, CA_DAYS = 20 * 365, TLS_DAYS = 2 * 365 };

static X509 *fresh(const char *common_name, EVP_PKEY *key, int64_t now_us, int days)
{
    uint8_t serial[16];
    time_t now = (time_t)(now_us / 1000000);
    X509 *x = X509_new();
    rng_bytes(serial, sizeof(serial));
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, always 16 bytes */
    BIGNUM *bn = BN_bin2bn(serial, sizeof(serial), NULL);
    if (!x || !bn || !X509_set_version(x, X509_VERSION_3) || !BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) ||
        !X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                    -1, -1, 0) ||
        !ASN1_TIME_set(X509_getm_notBefore(x), now - SKEW_S) ||
        !ASN1_TIME_set(X509_getm_notAfter(x), now + (time_t)days * DAY_S) || !X509_set_pubkey(x, key))
        abort();
    BN_free(bn);
    return x;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!ext || !X509_add_ext(x, ext, -1))
        abort(); /* the values are our own constants or were checked before */
    X509_EXTENSION_free(ext);
}

static struct cert *signed_by(X509 *x, const X509 *issuer, EVP_PKEY *key)
{
    if (!X509_set_issuer_name(x, X509_get_subject_name(issuer)) || !X509_sign(x, key, EVP_sha256()))
        abort();
    return cert_wrap(x);
}

struct cert *ca_make(const struct pkey *key, const char *organisation, int64_t now_us)
{
    char name[64];
    snprintf(name, sizeof(name), "Postern device CA %.40s", organisation);
    X509 *x = fresh(name, key->evp, now_us, CA_DAYS);
    extend(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(x, x, NID_subject_key_identifier, "hash");
    extend(x, x, NID_authority_key_identifier, "keyid:always");
    return signed_by(x, x, key->evp);
}

static X509_REQ *request_parse(const char *pem, size_t n)
{
    BIO *bio = n <= CA_CSR_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
    X509_REQ *req = bio ? PEM_read_bio_X509_REQ(bio, NULL, pem_no_password, NULL) : NULL;
    BIO_free(bio);
    return req;
}

static int request_check(X509_REQ *req)
{
    EVP_PKEY *evp = req ? X509_REQ_get0_pubkey(req) : NULL;
    if (!evp)
        return -EBADMSG;
    if (!evp_is_p256(evp))
        return -EPROTONOSUPPORT;
    return X509_REQ_verify(req, evp) == 1 ? 0 : -EBADMSG;
}

int ca_issue(const struct pkey *ca_key, const struct cert *ca, const char *csr_pem, size_t n,
             const struct cert_identity *who, int64_t now_us, struct cert **out)
{
    char san[64];
    *out = NULL;
    X509_REQ *req = request_parse(csr_pem, n);
    int r = request_check(req);
    if (!r) {
        X509 *x = fresh(who->id, X509_REQ_get0_pubkey(req), now_us, CA_DEVICE_DAYS);
        snprintf(san, sizeof(san), "URI:postern:%s:%s", who->kind == CERT_GATEWAY ? "gateway" : "device", who->id);
        extend(x, ca->x509, NID_basic_constraints, "critical,CA:FALSE");
        extend(x, ca->x509, NID_key_usage, "critical,digitalSignature");
        extend(x, ca->x509, NID_ext_key_usage, "clientAuth");
        extend(x, ca->x509, NID_subject_alt_name, san);
        extend(x, ca->x509, NID_subject_key_identifier, "hash");
        extend(x, ca->x509, NID_authority_key_identifier, "keyid:always");
        *out = signed_by(x, ca->x509, ca_key->evp);
    }
    X509_REQ_free(req);
    ERR_clear_error();
    return r;
}

static bool dns_name_ok(const char *s)
{
    size_t n = strlen(s);
    return n >= 1 && n <= 253 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == n;
}

static int san_of(const char *const *names, size_t n_names, struct buf *san)
{
    for (size_t i = 0; i < n_names; i++) {
        struct net_addr a;
        bool ip = net_addr_parse(names[i], &a) == 0;
        if (!ip && !dns_name_ok(names[i]))
            return -EINVAL;
        buf_printf(san, "%s%s:%s", i ? "," : "", ip ? "IP" : "DNS", names[i]);
    }
    return n_names ? 0 : -EINVAL;
}

int ca_self_signed(const struct pkey *key, const char *const *names, size_t n_names, int64_t now_us, struct cert **out)
{
    BUF_AUTO san = {0};
    char common_name[64];
    *out = NULL;
    if (san_of(names, n_names, &san))
        return -EINVAL;
    snprintf(common_name, sizeof(common_name), "%.60s", names[0]);
    X509 *x = fresh(common_name, key->evp, now_us, TLS_DAYS);
    extend(x, x, NID_basic_constraints, "critical,CA:FALSE");
    extend(x, x, NID_key_usage, "critical,digitalSignature");
    extend(x, x, NID_ext_key_usage, "serverAuth");
    extend(x, x, NID_subject_alt_name, buf_str(&san));
    extend(x, x, NID_subject_key_identifier, "hash");
    *out = signed_by(x, x, key->evp);
    return 0;
}
