/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/identity.h"
#include "agent/stored.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"

#define REC_SELF stored_identity
REC_TABLE(stored_identity, STORED_IDENTITY_FIELDS)
#undef REC_SELF

static int adopt(struct identity *id, const struct stored_identity *s)
{
    id->kind = (enum agent_kind)s->kind;
    str_copy(id->id, sizeof(id->id), s->id);
    str_copy(id->organisation, sizeof(id->organisation), s->organisation);
    str_copy(id->url, sizeof(id->url), s->url);
    str_copy(id->agents_url, sizeof(id->agents_url), s->agents_url);
    str_copy(id->pin, sizeof(id->pin), s->pin ? s->pin : "");
    memcpy(id->message_key, s->message_key.p, sizeof(id->message_key));
    int r = cert_parse_pem(s->certificate, strlen(s->certificate), &id->cert);
    return r ? r : cert_parse_pem(s->ca, strlen(s->ca), &id->ca);
}

static int load(struct identity *id)
{
    SECRET_AUTO json = {0};
    struct arena arena;
    struct stored_identity stored;
    struct rec_errors errors = {0};
    int r = seal_read(&id->seal, IDENTITY_FILE, IDENTITY_MAX, &json);
    if (r)
        return r;
    arena_init(&arena, 4 * IDENTITY_MAX);
    r = rec_decode(&stored_identity_rec, REC_AGENT, (const char *)json.p, json.len, &arena, &stored, &errors);
    if (!r)
        r = adopt(id, &stored);
    arena_done(&arena);
    return r;
}

int identity_open(struct identity *id, const char *dir)
{
    *id = (struct identity){0};
    int r = seal_open(&id->seal, dir);
    if (!r)
        r = pkey_load(&id->seal, KEY_FILE, &id->key);
    if (!r)
        r = load(id);
    if (r)
        identity_close(id);
    return r;
}

void identity_close(struct identity *id)
{
    seal_close(&id->seal);
    pkey_free(id->key);
    cert_free(id->cert);
    cert_free(id->ca);
    *id = (struct identity){0};
}

static bool key_matches(const struct cert *cert, const struct pkey *key)
{
    uint8_t challenge[32], sig[PKEY_SIG_MAX];
    rng_bytes(challenge, sizeof(challenge));
    size_t n = pkey_sign(key, challenge, sizeof(challenge), sig);
    return cert_verify_signature(cert, challenge, sizeof(challenge), sig, n);
}

const char *identity_check_certificate(const struct cert *cert, const struct cert *ca, const struct pkey *key,
                                       enum agent_kind kind, int64_t now_us)
{
    struct cert_identity who;
    enum cert_verdict verdict = cert_verify(cert, ca, now_us);
    if (verdict != CERT_OK)
        return cert_verdict_text(verdict);
    if (cert_identity(cert, &who) || who.kind != (kind == AGENT_GATEWAY ? CERT_GATEWAY : CERT_DEVICE))
        return "the certificate names somebody else";
    return key_matches(cert, key) ? NULL : "the certificate is for another key";
}

int identity_store(const struct seal *seal, const struct stored_identity *stored)
{
    BUF_AUTO json = {0};
    rec_encode(&stored_identity_rec, stored, 0, &json);
    return seal_write(seal, IDENTITY_FILE, json.data, json.len);
}

int identity_renew(struct identity *id, struct cert *cert)
{
    char *pem = cert_to_pem(cert), *ca = cert_to_pem(id->ca);
    struct stored_identity stored = {
        .kind = id->kind,
        .id = id->id,
        .organisation = id->organisation,
        .url = id->url,
        .agents_url = id->agents_url,
        .pin = *id->pin ? id->pin : NULL,
        .certificate = pem,
        .ca = ca,
        .message_key = {id->message_key, sizeof(id->message_key)},
    };
    int r = identity_store(&id->seal, &stored);
    free(pem);
    free(ca);
    if (r) {
        cert_free(cert);
        return r;
    }
    cert_free(id->cert);
    id->cert = cert;
    return 0;
}

bool boot_id(char out[static BOOT_ID_LEN])
{
    BUF_AUTO text = {0};
    bool found = file_read("/proc/sys/kernel/random/boot_id", 64, &text) == 0 && text.len >= BOOT_ID_LEN - 1;
    str_copy(out, BOOT_ID_LEN, found ? text.data : "");
    return found;
}
