/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admit.h"
#include "base/str.h"
#include "crypto/hash.h"

static const char *check_signed(const struct gateway_connection *c, const struct cert *cert)
{
    struct cert_identity who;
    if (cert_identity(cert, &who) || who.kind != CERT_DEVICE || !str_eq(who.id, c->device))
        return "the certificate is not that of the device";
    if (!cert_verify_signature(cert, c->hello.p, c->hello.len, c->signature.p, c->signature.len))
        return "the device's signature is wrong";
    return NULL;
}

static const char *check_certificate(const struct admission *a, const struct gateway_connection *c)
{
    struct cert *cert;
    if (cert_parse_pem(c->certificate, strlen(c->certificate), &cert))
        return "the device's certificate cannot be read";
    enum cert_verdict verdict = cert_verify(cert, a->identity->ca, a->wall_us);
    const char *wrong = verdict == CERT_OK ? check_signed(c, cert) : cert_verdict_text(verdict);
    cert_free(cert);
    return wrong;
}

static const char *check_hello(const struct admission *a, const struct gateway_connection *c, struct hello_client *h)
{
    if (hello_client_decode(c->hello.p, c->hello.len, h))
        return "the hello cannot be read";
    if (!str_eq(h->organisation, a->identity->organisation))
        return "the hello is for another organisation";
    if (!str_eq(h->device, c->device) || !str_eq(h->session, c->session))
        return "the hello is of another session";
    return NULL;
}

/* One device's peer must not be pushed aside by another that claims its key, nor the gateway's own. */
static const char *check_session_key(const struct admission *a, const struct gateway_connection *c,
                                     const struct hello_client *h)
{
    struct wg_key key;
    memcpy(key.b, h->wireguard, WG_KEY_LEN);
    if (wg_key_is_zero(&key) || wg_key_compare(&key, &a->vault->public_key) == 0)
        return "the session key is not allowed";
    for (size_t i = 0; i < a->vault->n; i++) {
        const struct vault_peer *p = a->vault->peers[i];
        if (wg_key_compare(&p->key, &key) == 0 && !str_eq(p->session, c->session))
            return "the session key belongs to another session";
    }
    return NULL;
}

static const char *take_addresses(const struct gateway_connection *c, struct vault_peer *out)
{
    if (net_addr_parse(c->inner_v4, &out->inner_v4) || !net_addr_is_v4(out->inner_v4) ||
        net_addr_parse(c->inner_v6, &out->inner_v6) || net_addr_is_v4(out->inner_v6))
        return "the inner addresses cannot be read";
    return NULL;
}

/* Makes H_g with a one-shot key and derives the keys; the one-shot secret is wiped by psk_derive(). */
static const char *answer(const struct admission *a, const struct gateway_connection *c, const struct hello_client *h,
                          struct vault_peer *out)
{
    struct hello_gateway g = {0};
    struct psk_keys keys;
    uint8_t one_shot[PSK_KEY_LEN];
    sha256(c->hello.p, c->hello.len, g.client_hash);
    str_copy(g.gateway, sizeof(g.gateway), a->identity->id);
    str_copy(g.boot, sizeof(g.boot), a->vault->boot);
    memcpy(g.wireguard, a->vault->public_key.b, sizeof(g.wireguard));
    x25519_make(one_shot, g.ephemeral);
    out->n_hello = (uint32_t)hello_gateway_encode(&g, out->hello);
    out->n_signature = (uint32_t)pkey_sign(a->identity->key, out->hello, out->n_hello, out->signature);
    if (psk_derive(one_shot, h->ephemeral, c->r.p, c->hello.p, c->hello.len, out->hello, out->n_hello, &keys))
        return "the client's one-shot key is not allowed";
    memcpy(out->psk.b, keys.psk, WG_KEY_LEN);
    secret_wipe(&keys, sizeof(keys));
    return NULL;
}

const char *admit(const struct admission *a, const struct gateway_connection *c, struct vault_peer *out)
{
    struct hello_client h;
    memset(out, 0, sizeof(*out));
    if (!c->r.p)
        return "its keys were lost when the gateway restarted";
    const char *wrong = check_hello(a, c, &h);
    if (!wrong)
        wrong = check_certificate(a, c);
    if (!wrong)
        wrong = check_session_key(a, c, &h);
    if (!wrong)
        wrong = take_addresses(c, out);
    if (!wrong)
        wrong = answer(a, c, &h, out);
    if (wrong) {
        secret_wipe(out, sizeof(*out));
        return wrong;
    }
    str_copy(out->id, sizeof(out->id), c->id);
    str_copy(out->session, sizeof(out->session), c->session);
    str_copy(out->replaces, sizeof(out->replaces), c->replaces ? c->replaces : "");
    str_copy(out->label, sizeof(out->label), c->label ? c->label : "");
    memcpy(out->key.b, h.wireguard, WG_KEY_LEN);
    out->made_ms = a->boot_ms;
    return NULL;
}
