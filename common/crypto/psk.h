/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PSK of a client and a gateway, made without an extra round trip: both hellos in canonical bytes,
 * one-shot X25519 keys, and the derivation that needs posternd's `r` and the pair's shared secret together
 * (ARCHITECTURE.md, "PSK of a pair"). Also the WireGuard keys of both ends.
 */
#pragma once
#include "base/id.h"
#include "crypto/hash.h"

enum { PSK_KEY_LEN = 32, PSK_NONCE_LEN = 32, PSK_BOOT_MAX = 64, PSK_HELLO_MAX = 512 };

/* H_c; bytes: "postern/hello-client/1" ‖ the fields in this order, each with a u32 length in front. */
struct hello_client {
    char organisation[ID_LEN_MAX], session[ID_LEN_MAX], device[ID_LEN_MAX];
    uint8_t wireguard[PSK_KEY_LEN]; /* public */
    uint8_t ephemeral[PSK_KEY_LEN]; /* e_c, public */
    uint8_t nonce[PSK_NONCE_LEN];
};

/* H_g; bytes: "postern/hello-gateway/1" ‖ likewise. */
struct hello_gateway {
    uint8_t client_hash[SHA256_LEN]; /* SHA-256 of the bytes of H_c */
    char gateway[ID_LEN_MAX];
    char boot[PSK_BOOT_MAX + 1];
    uint8_t wireguard[PSK_KEY_LEN];
    uint8_t ephemeral[PSK_KEY_LEN]; /* e_g, public */
};

/* Encoders return the length; the decoders 0 or -EBADMSG, accepting nothing that does not encode back to
 * itself. */
size_t hello_client_encode(const struct hello_client *h, uint8_t out[static PSK_HELLO_MAX]) MUSTCHECK;
int hello_client_decode(const void *p, size_t n, struct hello_client *out) MUSTCHECK;
size_t hello_gateway_encode(const struct hello_gateway *h, uint8_t out[static PSK_HELLO_MAX]) MUSTCHECK;
int hello_gateway_decode(const void *p, size_t n, struct hello_gateway *out) MUSTCHECK;

/* X25519 key pair, clamped as WireGuard wants it; serves as one-shot key and as WireGuard key. */
void x25519_make(uint8_t secret_key[static PSK_KEY_LEN], uint8_t public_key[static PSK_KEY_LEN]);
void x25519_public(const uint8_t secret_key[static PSK_KEY_LEN], uint8_t public_key[static PSK_KEY_LEN]);
/* -EBADMSG when the result is all zero (a point of small order). */
int x25519(uint8_t out[static PSK_KEY_LEN], const uint8_t secret_key[static PSK_KEY_LEN],
           const uint8_t public_key[static PSK_KEY_LEN]) MUSTCHECK;

struct psk_keys {
    uint8_t psk[PSK_KEY_LEN];
    uint8_t probe_to_gateway[PSK_KEY_LEN], probe_to_client[PSK_KEY_LEN];
};
/* Derives the pair's keys and wipes own_secret whatever comes out. hc, hg: the bytes that were signed and
 * sent. Returns 0 or -EBADMSG. The caller wipes *out. */
int psk_derive(uint8_t own_secret[static PSK_KEY_LEN], const uint8_t peer_public[static PSK_KEY_LEN],
               const uint8_t r[static PSK_KEY_LEN], const void *hc, size_t n_hc, const void *hg, size_t n_hg,
               struct psk_keys *out) MUSTCHECK;
