/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Enrolment of gateways and devices, and renewal of their certificates. */
#include "base/clock.h"
#include "base/str.h"
#include "crypto/ca.h"
#include "crypto/token.h"
#include "server/api/dispatch.h"
#include "server/api/problem.h"
#include "server/api/urls.h"
#include "server/broker/handlers.h"
#include "server/broker/ledger.h"
#include "server/broker/state.h"
#include "server/core/core.h"
#include "server/core/keys.h"
#include "server/identity/identity.h"
#include "server/store/access.h"
#include "server/store/audit.h"
#include "server/store/sql.h"

/* A certificate that was issued and is to be stored. */
struct issued {
    char *pem;
    uint8_t fingerprint[CERT_FINGERPRINT_LEN];
    char pin[CERT_PIN_LEN]; /* of its key */
    int64_t expires_us;
};

static void issued_done(struct issued *i)
{
    free(i->pem);
}

/* 0, or PROBLEM after answering. */
static int issue(struct request *req, struct response *res, const char *csr, const struct cert_identity *who,
                 struct issued *out)
{
    const struct authority *authority = &core_keys(req->core)->authority;
    struct cert *cert;
    int r = ca_issue(authority->ca_key, authority->ca, csr, strlen(csr), who, clock_wall_us(), &cert);
    if (r)
        return problem_at(req, res, PROBLEM_INVALID, "/csr", "%s",
                          r == -EPROTONOSUPPORT ? "the key must be P-256" : "this is not a valid signing request");
    out->pem = cert_to_pem(cert);
    cert_fingerprint(cert, out->fingerprint);
    cert_pin(cert, out->pin);
    out->expires_us = cert_not_after_us(cert);
    cert_free(cert);
    return 0;
}

static int store(struct db *db, const struct cert_identity *who, const struct issued *i)
{
    bool gateway = who->kind == CERT_GATEWAY;
    return db_run(db, SQL_CERTIFICATE_ADD,
                  DB_ARGS(DB_BYTES("fingerprint", i->fingerprint, sizeof(i->fingerprint)),
                          DB_STR("gateway_id", gateway ? who->id : NULL), DB_STR("device_id", gateway ? NULL : who->id),
                          DB_STR("pem", i->pem), DB_TIME("expires_at", i->expires_us)),
                  NULL);
}

/* One enrolment on its way through a transaction that may run again. */
struct enrolling {
    struct request *req;
    struct response *res;
    const struct enroll_request *in;
    struct account account; /* of a device */
    struct cert_identity who;
    struct issued issued;
    bool repeated; /* nothing changed: the answer of before is given again */
    int refused;   /* PROBLEM once it was answered */
};

static int audit(struct enrolling *e, const char *kind, const char *name, const char *actor, const char *actor_name)
{
    const struct audit_actor by = {.id = actor, .name = actor_name, .address = e->req->peer, .request_id = e->req->id};
    return audit_add(
        e->req->db, &by,
        &(struct audit_entry){.action = "enroll", .kind = kind, .object_id = e->who.id, .object_name = name});
}

/* --- gateways --- */

static int refuse_token(struct enrolling *e, enum problem_kind kind, const char *detail)
{
    e->refused = problem(e->req, e->res, kind, detail);
    return -ECANCELED;
}

static int take_token(struct enrolling *e, struct db *db, const uint8_t *hash, struct enrolment_row *row)
{
    int r = db_one(db, SQL_ENROLMENT_TAKE, DB_ARGS(DB_BYTES("token_hash", hash, SHA256_LEN)), e->req->arena, row);
    if (r == -ENOENT)
        return refuse_token(e, PROBLEM_ENROLMENT_REFUSED, "it is unknown, or a newer string replaced it");
    if (r)
        return r;
    if (row->expired)
        return row->used ? refuse_token(e, PROBLEM_ENROLMENT_USED, "make a new one: it works once")
                         : refuse_token(e, PROBLEM_ENROLMENT_EXPIRED, "make a new one: it works for an hour");
    return 0;
}

/* A gateway that never got its answer asks again with the same key, whose possession the request proves: it is given
 * the certificate that was made for it. */
static int repeat(struct enrolling *e, struct db *db)
{
    struct certificate_row *rows;
    size_t n;
    int r = db_all(db, SQL_CERTIFICATES_OF_GATEWAY, DB_ARGS(DB_STR("gateway_id", e->who.id)), e->req->arena,
                   (void **)&rows, &n);
    for (size_t i = 0; !r && i < n; i++) {
        struct cert *cert;
        char pin[CERT_PIN_LEN];
        if (cert_parse_pem(rows[i].pem, strlen(rows[i].pem), &cert))
            continue;
        cert_pin(cert, pin);
        cert_free(cert);
        if (!str_eq(pin, e->issued.pin))
            continue;
        free(e->issued.pem);
        e->issued.pem = str_dup(rows[i].pem);
        e->repeated = true;
        return 0;
    }
    return r ? r : refuse_token(e, PROBLEM_ENROLMENT_USED, "make a new one: it works once");
}

/* Whoever had the place before is out: what clients agreed with its keys ends as well. */
static int end_former(struct enrolling *e, struct db *db)
{
    static const struct ending why = {.code = "gateway_enrolled", .why = "its gateway was enrolled anew"};
    struct id_row *connections;
    size_t n;
    int r = db_run(db, SQL_CERTIFICATES_DROP, DB_ARGS(DB_STR("gateway_id", e->who.id)), NULL);
    if (!r)
        r = db_all(db, SQL_CONNECTIONS_OF_GATEWAY, DB_ARGS(DB_STR("gateway_id", e->who.id)), e->req->arena,
                   (void **)&connections, &n);
    for (size_t i = 0; !r && i < n; i++)
        r = ledger_end_connection(db, e->req->arena, connections[i].id, LINK_FAILED, &why);
    return r;
}

static int gateway_step(struct db *db, void *arg)
{
    struct enrolling *e = arg;
    struct enrolment_row row;
    uint8_t hash[SHA256_LEN];
    token_hash(e->in->token, hash);
    int r = take_token(e, db, hash, &row);
    if (r)
        return r;
    e->who.kind = CERT_GATEWAY;
    str_copy(e->who.id, sizeof(e->who.id), row.gateway_id);
    issued_done(&e->issued);
    e->issued = (struct issued){0};
    if (issue(e->req, e->res, e->in->csr, &e->who, &e->issued)) {
        e->refused = PROBLEM;
        return -ECANCELED;
    }
    if (row.used)
        return repeat(e, db);
    r = db_run(db, SQL_ENROLMENT_USED, DB_ARGS(DB_BYTES("token_hash", hash, sizeof(hash))), NULL);
    if (!r)
        r = end_former(e, db);
    if (!r)
        r = store(db, &e->who, &e->issued);
    if (!r)
        r = db_run(db, SQL_GATEWAY_ENROLLED, DB_ARGS(DB_STR("id", e->who.id), DB_STR("version", e->in->version)), NULL);
    if (!r)
        r = change_add(db, "gateway", e->who.id, "modified");
    return r ? r : audit(e, "gateway", row.gateway_name, e->who.id, row.gateway_name);
}

static int enroll_gateway(struct enrolling *e)
{
    if (!e->in->token || !token_valid(e->in->token, "gw"))
        return problem_at(e->req, e->res, PROBLEM_INVALID, "/token", "this is not an enrolment token");
    int64_t wait_ms = identity_attempt(e->req->peer);
    if (wait_ms) {
        response_headerf(e->res, "retry-after", "%lld", (long long)(wait_ms + 999) / 1000);
        return problem(e->req, e->res, PROBLEM_TOO_MANY, NULL);
    }
    int r = db_transact(e->req->db, gateway_step, e);
    if (!r && !e->repeated) {
        identity_attempt_was_right(e->req->peer);
        agent_evict(the_broker, e->who.id);
    }
    return r;
}

/* --- devices --- */

/* Enough for anybody; without a bound a stolen password would fill the database. */
static int room_for_device(struct enrolling *e, struct db *db)
{
    enum { DEVICES_MAX = 100 };
    struct counter_row row;
    int r = db_one(db, SQL_DEVICES_OF_PERSON, DB_ARGS(DB_STR("person_id", e->account.id)), e->req->arena, &row);
    if (r || row.n < DEVICES_MAX)
        return r;
    e->refused = problemf(e->req, e->res, PROBLEM_CONFLICT, "a person has at most %d devices: delete old ones first",
                          DEVICES_MAX);
    return -ECANCELED;
}

static int device_step(struct db *db, void *arg)
{
    struct enrolling *e = arg;
    int r = room_for_device(e, db);
    if (r)
        return r;
    r = db_run(db, SQL_DEVICE_ENROLLED,
               DB_ARGS(DB_STR("id", e->who.id), DB_STR("name", e->in->name), DB_STR("person_id", e->account.id),
                       DB_STR("os", e->in->os), DB_STR("version", e->in->version)),
               NULL);
    if (!r)
        r = store(db, &e->who, &e->issued);
    if (!r)
        r = change_add(db, "device", e->who.id, "added");
    return r ? r : audit(e, "device", e->in->name, e->account.id, e->account.email);
}

static int check_person(struct enrolling *e)
{
    const struct identity_proof proof = {
        .email = e->in->email, .password = e->in->password, .peer = e->req->peer, .request_id = e->req->id};
    struct identity_verdict verdict;
    int r = identity_check_password(e->req->db, e->req->arena, &proof, &verdict);
    if (r)
        return r;
    if (verdict.result == IDENTITY_LIMITED) {
        response_headerf(e->res, "retry-after", "%lld", (long long)(verdict.retry_ms + 999) / 1000);
        return problem(e->req, e->res, PROBLEM_TOO_MANY, NULL);
    }
    if (verdict.result != IDENTITY_OK)
        return problem(e->req, e->res, PROBLEM_SIGN_IN_FAILED, NULL);
    e->account = verdict.account;
    return 0;
}

static int enroll_device(struct enrolling *e)
{
    static const char *const needed[] = {"/email", "/password", "/name"};
    const char *const given[] = {e->in->email, e->in->password, e->in->name};
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (!given[i] || !*given[i])
            return problem_at(e->req, e->res, PROBLEM_INVALID, needed[i], "is needed to enrol a device");
    int r = check_person(e);
    if (r)
        return r;
    e->who.kind = CERT_DEVICE;
    id_new("dev", clock_wall_ms(), e->who.id);
    r = issue(e->req, e->res, e->in->csr, &e->who, &e->issued);
    return r ? r : db_transact(e->req->db, device_step, e);
}

static int answer(struct enrolling *e)
{
    const struct core_keys *keys = core_keys(e->req->core);
    const struct enroll_answer out = {.id = e->who.id,
                                      .organisation = keys->organisation,
                                      .certificate = e->issued.pem,
                                      .ca = keys->ca_pem,
                                      .message_key = {keys->authority.messages.public_key, MESSAGE_KEY_LEN},
                                      .agents_url = url_of_agents(core_settings(e->req->core), e->req->arena)};
    return answer_record(e->res, 201, &enroll_answer_rec, &out);
}

int enroll(struct request *req, struct response *res)
{
    struct enrolling e = {.req = req, .res = res, .in = req->record};
    int r = e.in->kind == AGENT_GATEWAY ? enroll_gateway(&e) : enroll_device(&e);
    if (r == -ECANCELED && e.refused)
        r = PROBLEM;
    if (!r)
        r = answer(&e);
    issued_done(&e.issued);
    return r;
}

/* A front that strangers have broken can ask in the name of every agent whose certificate it has seen. It must not come
 * by a certificate for a key of its own that way. */
static int keep_key(struct request *req, struct response *res, const struct issued *issued)
{
    struct cert *cert;
    char pin[CERT_PIN_LEN];
    if (cert_parse_der(req->cert, req->cert_len, &cert))
        return problem(req, res, PROBLEM_CERTIFICATE_UNKNOWN, NULL);
    cert_pin(cert, pin);
    cert_free(cert);
    return str_eq(pin, issued->pin)
               ? 0
               : problem_at(req, res, PROBLEM_INVALID, "/csr", "must be for the key of the present certificate");
}

int certificate_renew(struct request *req, struct response *res)
{
    const struct certificate_request *in = req->record;
    struct cert_identity who = {.kind = req->who.kind == PRINCIPAL_GATEWAY ? CERT_GATEWAY : CERT_DEVICE};
    struct issued issued = {0};
    str_copy(who.id, sizeof(who.id), req->who.id);
    int r = issue(req, res, in->csr, &who, &issued);
    if (!r)
        r = keep_key(req, res, &issued);
    if (!r)
        r = db_begin(req->db);
    if (!r)
        r = store(req->db, &who, &issued);
    if (!r) {
        struct audit_actor by = actor_of(req);
        r = audit_add(req->db, &by,
                      &(struct audit_entry){.action = "renew-certificate",
                                            .kind = who.kind == CERT_GATEWAY ? "gateway" : "device",
                                            .object_id = who.id,
                                            .object_name = req->who.name});
    }
    if (!r)
        r = db_commit(req->db);
    db_rollback(req->db);
    if (!r)
        r = answer_record(res, 200, &certificate_answer_rec, &(struct certificate_answer){.certificate = issued.pem});
    issued_done(&issued);
    return r;
}
