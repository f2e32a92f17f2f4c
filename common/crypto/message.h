/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posternd's signed messages: Ed25519 over a domain ("postern/<what>/<version>") followed by length-prefixed
 * fields, so that a signature for one purpose never fits another. Agents learn the public key when they
 * enrol.
 */
#pragma once
#include "base/id.h"
#include "crypto/secret.h"

enum { MESSAGE_KEY_LEN = 32, MESSAGE_SEED_LEN = 32, MESSAGE_SIG_LEN = 64 };

struct message_key {
    struct secret seed; /* 32 bytes; what is stored */
    uint8_t public_key[MESSAGE_KEY_LEN];
};

/* A fresh key, or the one of a stored 32-byte seed. */
void message_key_make(struct message_key *k);
void message_key_from_seed(struct message_key *k, const uint8_t seed[static MESSAGE_SEED_LEN]);
void message_key_done(struct message_key *k);

void message_sign(const struct message_key *k, const void *p, size_t n, uint8_t sig[static MESSAGE_SIG_LEN]);
bool message_verify(const uint8_t public_key[static MESSAGE_KEY_LEN], const void *p, size_t n,
                    const uint8_t sig[static MESSAGE_SIG_LEN]) MUSTCHECK;

/* The message that keeps a gateway's grants alive: "postern/renewal/1" ‖ gateway ‖ epoch ‖ seq ‖ issued, text
 * with a u32 length in front, numbers as u64. */
struct renewal {
    const char *gateway, *epoch; /* at most 31 and 64 bytes */
    uint64_t seq;
    int64_t issued_us;
};
/* Returns 0, or -EINVAL when a text is too long. */
int renewal_sign(const struct message_key *k, const struct renewal *r, uint8_t sig[static MESSAGE_SIG_LEN]) MUSTCHECK;
bool renewal_verify(const uint8_t public_key[static MESSAGE_KEY_LEN], const struct renewal *r,
                    const uint8_t sig[static MESSAGE_SIG_LEN]) MUSTCHECK;
