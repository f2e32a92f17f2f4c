/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/message.h"
#include "base/rng.h"
#include "crypto/internal.h"
#include "net/bytes.h"
#include <sodium.h>

#define RENEWAL_DOMAIN "postern/renewal/1"
enum { RENEWAL_MAX = 160, EPOCH_MAX = 64 };

void message_key_from_seed(struct message_key *k, const uint8_t seed[static MESSAGE_SEED_LEN])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    crypto_setup();
    *k = (struct message_key){.seed = secret_copy(seed, MESSAGE_SEED_LEN)};
    crypto_sign_seed_keypair(k->public_key, secret, seed);
    secret_wipe(secret, sizeof(secret));
}

void message_key_make(struct message_key *k)
{
    SECRET_AUTO seed = secret_new(MESSAGE_SEED_LEN);
    rng_bytes(seed.p, seed.len);
    message_key_from_seed(k, seed.p);
}

void message_key_done(struct message_key *k)
{
    secret_done(&k->seed);
}

void message_sign(const struct message_key *k, const void *p, size_t n, uint8_t sig[static MESSAGE_SIG_LEN])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES], public_key[MESSAGE_KEY_LEN];
    crypto_sign_seed_keypair(public_key, secret, k->seed.p);
    crypto_sign_detached(sig, NULL, p, n, secret);
    secret_wipe(secret, sizeof(secret));
}

bool message_verify(const uint8_t public_key[static MESSAGE_KEY_LEN], const void *p, size_t n,
                    const uint8_t sig[static MESSAGE_SIG_LEN])
{
    return crypto_sign_verify_detached(sig, p, n, public_key) == 0;
}

static int renewal_encode(const struct renewal *r, uint8_t out[static RENEWAL_MAX], size_t *n)
{
    if (strlen(r->gateway) >= ID_LEN_MAX || strlen(r->epoch) > EPOCH_MAX)
        return -EINVAL;
    struct byte_writer w = writer_of(out, RENEWAL_MAX);
    writer_bytes(&w, RENEWAL_DOMAIN, sizeof(RENEWAL_DOMAIN) - 1);
    writer_field_text(&w, r->gateway);
    writer_field_text(&w, r->epoch);
    writer_u64(&w, r->seq);
    writer_u64(&w, (uint64_t)r->issued_us);
    *n = w.len;
    return w.bad ? -EINVAL : 0;
}

int renewal_sign(const struct message_key *k, const struct renewal *r, uint8_t sig[static MESSAGE_SIG_LEN])
{
    uint8_t text[RENEWAL_MAX];
    size_t n;
    if (renewal_encode(r, text, &n))
        return -EINVAL;
    message_sign(k, text, n, sig);
    return 0;
}

bool renewal_verify(const uint8_t public_key[static MESSAGE_KEY_LEN], const struct renewal *r,
                    const uint8_t sig[static MESSAGE_SIG_LEN])
{
    uint8_t text[RENEWAL_MAX];
    size_t n;
    return renewal_encode(r, text, &n) == 0 && message_verify(public_key, text, n, sig);
}
