/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/psk.h"
#include "base/rng.h"
#include "crypto/secret.h"
#include "net/bytes.h"
#include <sodium.h>

#define CLIENT_DOMAIN  "postern/hello-client/1"
#define GATEWAY_DOMAIN "postern/hello-gateway/1"
#define PSK_INFO       "postern/psk/1"

static size_t written(const struct byte_writer *w)
{
    if (w->bad)
        abort(); /* PSK_HELLO_MAX holds the longest hello */
    return w->len;
}

/* The domain at the front of the bytes. */
static void expect(struct byte_reader *r, const char *domain)
{
    size_t n = strlen(domain);
    const uint8_t *p = reader_bytes(r, n);
    if (p && memcmp(p, domain, n) != 0)
        r->bad = true;
}

size_t hello_client_encode(const struct hello_client *h, uint8_t out[static PSK_HELLO_MAX])
{
    struct byte_writer w = writer_of(out, PSK_HELLO_MAX);
    writer_bytes(&w, CLIENT_DOMAIN, sizeof(CLIENT_DOMAIN) - 1);
    writer_field_text(&w, h->organisation);
    writer_field_text(&w, h->session);
    writer_field_text(&w, h->device);
    writer_field(&w, h->wireguard, sizeof(h->wireguard));
    writer_field(&w, h->ephemeral, sizeof(h->ephemeral));
    writer_field(&w, h->nonce, sizeof(h->nonce));
    return written(&w);
}

int hello_client_decode(const void *p, size_t n, struct hello_client *out)
{
    struct byte_reader r = reader_of(p, n);
    expect(&r, CLIENT_DOMAIN);
    reader_field_text(&r, out->organisation, sizeof(out->organisation));
    reader_field_text(&r, out->session, sizeof(out->session));
    reader_field_text(&r, out->device, sizeof(out->device));
    reader_field_exact(&r, out->wireguard, sizeof(out->wireguard));
    reader_field_exact(&r, out->ephemeral, sizeof(out->ephemeral));
    reader_field_exact(&r, out->nonce, sizeof(out->nonce));
    return reader_finished(&r) ? 0 : -EBADMSG;
}

size_t hello_gateway_encode(const struct hello_gateway *h, uint8_t out[static PSK_HELLO_MAX])
{
    struct byte_writer w = writer_of(out, PSK_HELLO_MAX);
    writer_bytes(&w, GATEWAY_DOMAIN, sizeof(GATEWAY_DOMAIN) - 1);
    writer_field(&w, h->client_hash, sizeof(h->client_hash));
    writer_field_text(&w, h->gateway);
    writer_field_text(&w, h->boot);
    writer_field(&w, h->wireguard, sizeof(h->wireguard));
    writer_field(&w, h->ephemeral, sizeof(h->ephemeral));
    return written(&w);
}

int hello_gateway_decode(const void *p, size_t n, struct hello_gateway *out)
{
    struct byte_reader r = reader_of(p, n);
    expect(&r, GATEWAY_DOMAIN);
    reader_field_exact(&r, out->client_hash, sizeof(out->client_hash));
    reader_field_text(&r, out->gateway, sizeof(out->gateway));
    reader_field_text(&r, out->boot, sizeof(out->boot));
    reader_field_exact(&r, out->wireguard, sizeof(out->wireguard));
    reader_field_exact(&r, out->ephemeral, sizeof(out->ephemeral));
    return reader_finished(&r) ? 0 : -EBADMSG;
}

void x25519_make(uint8_t secret_key[static PSK_KEY_LEN], uint8_t public_key[static PSK_KEY_LEN])
{
    rng_bytes(secret_key, PSK_KEY_LEN);
    secret_key[0] &= 248;
    secret_key[31] = (uint8_t)((secret_key[31] & 127) | 64);
    x25519_public(secret_key, public_key);
}

void x25519_public(const uint8_t secret_key[static PSK_KEY_LEN], uint8_t public_key[static PSK_KEY_LEN])
{
    crypto_scalarmult_base(public_key, secret_key);
}

int x25519(uint8_t out[static PSK_KEY_LEN], const uint8_t secret_key[static PSK_KEY_LEN],
           const uint8_t public_key[static PSK_KEY_LEN])
{
    if (crypto_scalarmult(out, secret_key, public_key) == 0 && !sodium_is_zero(out, PSK_KEY_LEN))
        return 0;
    secret_wipe(out, PSK_KEY_LEN);
    return -EBADMSG;
}

int psk_derive(uint8_t own_secret[static PSK_KEY_LEN], const uint8_t peer_public[static PSK_KEY_LEN],
               const uint8_t r[static PSK_KEY_LEN], const void *hc, size_t n_hc, const void *hg, size_t n_hg,
               struct psk_keys *out)
{
    uint8_t z[PSK_KEY_LEN], okm[3 * PSK_KEY_LEN], info[sizeof(PSK_INFO) - 1 + SHA256_LEN];
    memset(out, 0, sizeof(*out));
    int result = x25519(z, own_secret, peer_public);
    secret_wipe(own_secret, PSK_KEY_LEN);
    if (result)
        return result;
    memcpy(info, PSK_INFO, sizeof(PSK_INFO) - 1);
    sha256_two(hc, n_hc, hg, n_hg, info + sizeof(PSK_INFO) - 1);
    hkdf_sha256(r, PSK_KEY_LEN, z, sizeof(z), info, sizeof(info), okm, sizeof(okm));
    memcpy(out->psk, okm, PSK_KEY_LEN);
    memcpy(out->probe_to_gateway, okm + PSK_KEY_LEN, PSK_KEY_LEN);
    memcpy(out->probe_to_client, okm + 2 * PSK_KEY_LEN, PSK_KEY_LEN);
    secret_wipe(z, sizeof(z));
    secret_wipe(okm, sizeof(okm));
    return 0;
}
