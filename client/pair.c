/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pair.h"
#include "base/rng.h"
#include "base/str.h"
#include "crypto/hash.h"

void pair_offer(const struct identity *identity, const char *session, const struct wg_key *private_key,
                struct pair_offer *out)
{
    struct hello_client h = {0};
    str_copy(h.organisation, sizeof(h.organisation), identity->organisation);
    str_copy(h.session, sizeof(h.session), session);
    str_copy(h.device, sizeof(h.device), identity->id);
    x25519_public(private_key->b, h.wireguard);
    x25519_make(out->one_shot, h.ephemeral);
    rng_bytes(h.nonce, sizeof(h.nonce));
    out->n_hello = hello_client_encode(&h, out->hello);
    out->n_signature = pkey_sign(identity->key, out->hello, out->n_hello, out->signature);
}

static const char *check_signed(const struct client_connection *c, const struct cert *cert)
{
    struct cert_identity who;
    if (cert_identity(cert, &who) || who.kind != CERT_GATEWAY || !str_eq(who.id, c->gateway))
        return "the certificate is not that of the gateway";
    if (!cert_verify_signature(cert, c->hello.p, c->hello.len, c->signature.p, c->signature.len))
        return "the gateway's signature is wrong";
    return NULL;
}

static const char *check_certificate(const struct identity *identity, const struct client_connection *c,
                                     int64_t wall_us)
{
    struct cert *cert;
    if (cert_parse_pem(c->certificate, strlen(c->certificate), &cert))
        return "the gateway's certificate cannot be read";
    enum cert_verdict verdict = cert_verify(cert, identity->ca, wall_us);
    const char *wrong = verdict == CERT_OK ? check_signed(c, cert) : cert_verdict_text(verdict);
    cert_free(cert);
    return wrong;
}

static const char *check_hello(const struct pair_offer *offer, const struct client_connection *c,
                               struct hello_gateway *h)
{
    uint8_t hash[SHA256_LEN];
    if (hello_gateway_decode(c->hello.p, c->hello.len, h))
        return "the gateway's hello cannot be read";
    sha256(offer->hello, offer->n_hello, hash);
    if (!bytes_eq_ct(hash, h->client_hash, sizeof(hash)) || !str_eq(h->gateway, c->gateway))
        return "the gateway's hello answers somebody else";
    return NULL;
}

static const char *derive(struct pair_offer *offer, const struct client_connection *c, const struct hello_gateway *h,
                          struct pair *out)
{
    struct psk_keys keys;
    if (psk_derive(offer->one_shot, h->ephemeral, c->r.p, offer->hello, offer->n_hello, c->hello.p, c->hello.len,
                   &keys))
        return "the gateway's one-shot key is not allowed";
    memcpy(out->psk.b, keys.psk, WG_KEY_LEN);
    memcpy(out->gateway.b, h->wireguard, WG_KEY_LEN);
    secret_wipe(&keys, sizeof(keys));
    return NULL;
}

const char *pair_finish(const struct identity *identity, struct pair_offer *offer, const struct client_connection *c,
                        int64_t wall_us, struct pair *out)
{
    struct hello_gateway h;
    const char *wrong = NULL;
    if (!c->hello.p || !c->signature.p || !c->certificate || !c->endpoint || c->r.len != PSK_KEY_LEN)
        wrong = "the connection's keys are gone";
    else if (net_endpoint_parse(c->endpoint, &out->endpoint))
        wrong = "the gateway's address cannot be read";
    if (!wrong)
        wrong = check_hello(offer, c, &h);
    if (!wrong)
        wrong = check_certificate(identity, c, wall_us);
    if (!wrong)
        wrong = derive(offer, c, &h, out);
    secret_wipe(offer, sizeof(*offer));
    return wrong;
}
