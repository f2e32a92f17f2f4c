/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pkey.h"
#include "base/str.h"
#include "crypto/internal.h"
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

int pem_no_password(char *buf, int size, int rwflag, void *arg)
{
    return 0;
}

bool evp_is_p256(const EVP_PKEY *evp)
{
    char name[32];
    size_t n;
    return evp && EVP_PKEY_get_group_name(evp, name, sizeof(name), &n) == 1 && str_eq(name, "prime256v1");
}

static struct pkey *pkey_wrap(EVP_PKEY *evp)
{
    struct pkey *key = xalloc(sizeof(*key));
    key->evp = evp;
    return key;
}

struct pkey *pkey_make(void)
{
    EVP_PKEY *evp = EVP_EC_gen("P-256");
    if (!evp)
        abort(); /* no memory or no randomness: nothing sensible can follow */
    return pkey_wrap(evp);
}

void pkey_free(struct pkey *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->evp);
    free(key);
}

struct secret pkey_to_pem(const struct pkey *key)
{
    char *text;
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key->evp, NULL, NULL, 0, NULL, NULL) != 1)
        abort();
    long n = BIO_get_mem_data(bio, &text);
    struct secret pem = secret_new((size_t)n + 1);
    memcpy(pem.p, text, (size_t)n);
    pem.len = (size_t)n;
    BIO_free(bio);
    return pem;
}

int pkey_from_pem(const void *pem, size_t n, struct pkey **out)
{
    *out = NULL;
    if (n > PKEY_PEM_MAX)
        return -EBADMSG;
    BIO *bio = BIO_new_mem_buf(pem, (int)n);
    EVP_PKEY *evp = bio ? PEM_read_bio_PrivateKey(bio, NULL, pem_no_password, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!evp_is_p256(evp)) {
        EVP_PKEY_free(evp);
        return -EBADMSG;
    }
    *out = pkey_wrap(evp);
    return 0;
}

int pkey_save(const struct pkey *key, const struct seal *seal, const char *name)
{
    SECRET_AUTO pem = pkey_to_pem(key);
    return seal_write(seal, name, pem.p, pem.len);
}

int pkey_load(const struct seal *seal, const char *name, struct pkey **out)
{
    SECRET_AUTO pem = {0};
    *out = NULL;
    int r = seal_read(seal, name, PKEY_PEM_MAX, &pem);
    return r ? r : pkey_from_pem(pem.p, pem.len, out);
}

int pkey_load_or_make(const struct seal *seal, const char *name, struct pkey **out)
{
    int r = pkey_load(seal, name, out);
    if (r != -ENOENT)
        return r;
    struct pkey *key = pkey_make();
    r = pkey_save(key, seal, name);
    if (r) {
        pkey_free(key);
        return r;
    }
    *out = key;
    return 0;
}

char *pkey_csr(const struct pkey *key, const char *common_name)
{
    char *text, *out;
    X509_REQ *req = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    X509_NAME *name = X509_NAME_new();
    if (!req || !bio || !name ||
        !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) ||
        !X509_REQ_set_subject_name(req, name) || !X509_REQ_set_pubkey(req, key->evp) ||
        !X509_REQ_sign(req, key->evp, EVP_sha256()) || !PEM_write_bio_X509_REQ(bio, req))
        abort();
    long n = BIO_get_mem_data(bio, &text);
    out = xalloc((size_t)n + 1);
    memcpy(out, text, (size_t)n);
    X509_NAME_free(name);
    X509_REQ_free(req);
    BIO_free(bio);
    return out;
}

size_t pkey_sign(const struct pkey *key, const void *p, size_t n, uint8_t sig[static PKEY_SIG_MAX])
{
    size_t n_sig = PKEY_SIG_MAX;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->evp) != 1 ||
        EVP_DigestSign(ctx, sig, &n_sig, p, n) != 1)
        abort();
    EVP_MD_CTX_free(ctx);
    return n_sig;
}
