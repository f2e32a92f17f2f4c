/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/http.h"
#include "agent/problem.h"
#include "agent/stored.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/str.h"
#include "crypto/hash.h"
#include <stdio.h>

enum { ENROL_TIMEOUT_MS = 30000 };

struct exchange {
    const struct enrolment_plan *plan;
    struct loop *loop;
    const struct pkey *key;
    const struct seal *seal;
    char *why;
};

static int fail(const struct exchange *x, int r, const char *why)
{
    snprintf(x->why, ENROL_WHY_MAX, "%s", why);
    return r;
}

static bool ca_expected(const struct enrolment_plan *plan, const struct cert *ca)
{
    uint8_t want[CERT_FINGERPRINT_LEN], got[CERT_FINGERPRINT_LEN];
    if (!plan->ca_sha256)
        return true;
    cert_fingerprint(ca, got);
    return hex_decode_exact(plan->ca_sha256, want, sizeof(want)) == 0 && memcmp(want, got, sizeof(want)) == 0;
}

static int check(const struct exchange *x, const struct enroll_answer *a, struct cert **ca, struct cert **cert)
{
    struct cert_identity who;
    if (cert_parse_pem(a->ca, strlen(a->ca), ca) || cert_parse_pem(a->certificate, strlen(a->certificate), cert))
        return fail(x, -EBADMSG, "the server sent a broken certificate");
    if (!ca_expected(x->plan, *ca) ||
        (x->plan->message_key && memcmp(a->message_key.p, x->plan->message_key, MESSAGE_KEY_LEN) != 0))
        return fail(x, -EKEYREJECTED, "the server's keys are not those of the enrolment string");
    const char *wrong =
        identity_check_certificate(*cert, *ca, x->key, (enum agent_kind)x->plan->from->kind, clock_wall_us());
    if (wrong)
        return fail(x, -EKEYREJECTED, wrong);
    if (cert_identity(*cert, &who) || !str_eq(who.id, a->id))
        return fail(x, -EKEYREJECTED, "the certificate names somebody else");
    return 0;
}

/* Without an identity in between: key and certificate of different enrolments would fit nothing. */
static int store(const struct exchange *x, const struct stored_identity *stored)
{
    int r = 0;
    if (x->plan->anew) {
        r = seal_remove(x->seal, IDENTITY_FILE);
        if (!r)
            r = pkey_save(x->key, x->seal, KEY_FILE);
    }
    if (!r)
        r = identity_store(x->seal, stored);
    if (!r && x->plan->anew)
        r = seal_remove(x->seal, NEXT_KEY_FILE);
    return r;
}

static int learn(const struct exchange *x, const struct enroll_answer *a)
{
    struct cert *ca = NULL, *cert = NULL;
    int r = check(x, a, &ca, &cert);
    cert_free(ca);
    cert_free(cert);
    if (r)
        return r;
    struct stored_identity stored = {
        .kind = x->plan->from->kind,
        .id = a->id,
        .organisation = a->organisation,
        .url = x->plan->url,
        .agents_url = a->agents_url,
        .pin = x->plan->pin,
        .certificate = a->certificate,
        .ca = a->ca,
        .message_key = a->message_key,
    };
    r = store(x, &stored);
    return r ? fail(x, r, strerror(-r)) : 0;
}

static int judge(const struct exchange *x, const struct http_answer *answer)
{
    struct arena arena;
    struct enroll_answer a;
    struct rec_errors errors = {0};
    if (answer->error)
        return fail(x, answer->error, answer->why);
    if (answer->status / 100 != 2) {
        problem_text(answer, x->why, ENROL_WHY_MAX);
        return answer->status >= 500 ? -EAGAIN : -EACCES;
    }
    arena_init(&arena, 128 * 1024);
    int r = rec_decode(&enroll_answer_rec, REC_AGENT, answer->body, answer->len, &arena, &a, &errors);
    r = r ? fail(x, -EBADMSG, "the server's answer makes no sense") : learn(x, &a);
    arena_done(&arena);
    return r;
}

static void on_done(void *arg, const struct http_answer *answer)
{
    struct exchange *x = arg;
    loop_stop(x->loop, judge(x, answer));
}

static int ask(struct exchange *x)
{
    struct enroll_request request = *x->plan->from;
    BUF_AUTO json = {0};
    char *csr = pkey_csr(x->key, "postern");
    request.csr = csr;
    rec_encode(&enroll_request_rec, &request, 0, &json);
    free(csr);
    x->loop = loop_new();
    struct http_options options = {.loop = x->loop, .base_url = x->plan->url, .pin = x->plan->pin, .stall_s = 30};
    struct http *http = http_new(&options);
    http_start(http, "POST", "/agent/v1/enroll", json.data, json.len, ENROL_TIMEOUT_MS, on_done, x);
    secret_wipe(json.data, json.cap);
    int r = loop_run(x->loop);
    http_free(http);
    loop_free(x->loop);
    return r;
}

static int with_key(const struct enrolment_plan *plan, struct seal *seal, char *why)
{
    struct pkey *key = NULL;
    struct exchange x = {.plan = plan, .seal = seal, .why = why};
    int r = pkey_load_or_make(seal, plan->anew ? NEXT_KEY_FILE : KEY_FILE, &key);
    if (r)
        return fail(&x, r, "the device key cannot be read or made");
    x.key = key;
    r = ask(&x);
    pkey_free(key);
    return r;
}

int identity_enrol(const struct enrolment_plan *plan, char why[static ENROL_WHY_MAX])
{
    struct identity known;
    struct seal seal;
    struct exchange x = {.plan = plan, .why = why};
    *why = '\0';
    if (!plan->anew && identity_open(&known, plan->dir) == 0) {
        snprintf(why, ENROL_WHY_MAX, "enrolled already as %s", known.id);
        identity_close(&known);
        return -EEXIST;
    }
    int r = dir_make(plan->dir, 0700);
    if (!r)
        r = seal_open(&seal, plan->dir);
    if (r) {
        snprintf(why, ENROL_WHY_MAX, "%s: %s", plan->dir, strerror(-r));
        return r;
    }
    r = with_key(plan, &seal, x.why);
    seal_close(&seal);
    return r;
}
