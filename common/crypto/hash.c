/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"
#include "crypto/secret.h"
#include <sodium.h>

void sha256(const void *p, size_t n, uint8_t out[static SHA256_LEN])
{
    crypto_hash_sha256(out, n ? p : (const void *)"", n);
}

void sha256_two(const void *x, size_t n_x, const void *y, size_t n_y, uint8_t out[static SHA256_LEN])
{
    crypto_hash_sha256_state st;
    crypto_hash_sha256_init(&st);
    crypto_hash_sha256_update(&st, x, n_x);
    crypto_hash_sha256_update(&st, y, n_y);
    crypto_hash_sha256_final(&st, out);
    secret_wipe(&st, sizeof(st));
}

void hmac_sha256(const void *key, size_t n_key, const void *p, size_t n, uint8_t out[static SHA256_LEN])
{
    crypto_auth_hmacsha256_state st;
    crypto_auth_hmacsha256_init(&st, key, n_key);
    crypto_auth_hmacsha256_update(&st, p, n);
    crypto_auth_hmacsha256_final(&st, out);
    secret_wipe(&st, sizeof(st));
}

void hkdf_sha256(const void *salt, size_t n_salt, const void *ikm, size_t n_ikm, const void *info, size_t n_info,
                 uint8_t *out, size_t n)
{
    uint8_t prk[SHA256_LEN], block[SHA256_LEN];
    if (n > HKDF_MAX)
        abort();
    hmac_sha256(salt, n_salt, ikm, n_ikm, prk);
    for (uint8_t i = 1; n; i++) {
        crypto_auth_hmacsha256_state st;
        size_t k = MIN(n, sizeof(block));
        crypto_auth_hmacsha256_init(&st, prk, sizeof(prk));
        if (i > 1)
            crypto_auth_hmacsha256_update(&st, block, sizeof(block));
        crypto_auth_hmacsha256_update(&st, info, n_info);
        crypto_auth_hmacsha256_update(&st, &i, 1);
        crypto_auth_hmacsha256_final(&st, block);
        secret_wipe(&st, sizeof(st));
        memcpy(out, block, k);
        out += k;
        n -= k;
    }
    secret_wipe(prk, sizeof(prk));
    secret_wipe(block, sizeof(block));
}
