/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The gateway has installed a peer, or one end cannot go on with a connection. */
#include "base/log.h"
#include "base/str.h"
#include "crypto/cert.h"
#include "crypto/psk.h"
#include "proto/agent.h"
#include "server/api/problem.h"
#include "server/broker/handlers.h"
#include "server/broker/ledger.h"
#include "server/core/hub.h"
#include "server/store/access.h"
#include "server/store/sql.h"

struct step {
    struct request *req;
    struct connection_head head;
    uint8_t fingerprint[CERT_FINGERPRINT_LEN];
    bool over; /* the connection waits for nothing any more */
};

/* Locks the connection; -ENOENT when it is not one of this agent. */
static int lock(struct step *s, struct db *db)
{
    const struct principal *who = &s->req->who;
    int r = db_one(db, SQL_CONNECTION_LOCK, DB_ARGS(DB_STR("id", s->req->args[0])), s->req->arena, &s->head);
    if (r)
        return r;
    bool own = who->kind == PRINCIPAL_GATEWAY ? str_eq(s->head.gateway_id, who->id)
                                              : who->session && str_eq(s->head.session_id, who->session);
    return own ? 0 : -ENOENT;
}

static bool same_bytes(struct rec_bytes a, struct rec_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* --- accept --- */

/* Who signed is checked before the transaction, what was signed within it. */
static bool signature_fits(struct step *s)
{
    const struct accept_request *in = s->req->record;
    struct cert *cert;
    if (cert_parse_der(s->req->cert, s->req->cert_len, &cert))
        return false;
    bool good = cert_verify_signature(cert, in->hello.p, in->hello.len, in->signature.p, in->signature.len);
    cert_fingerprint(cert, s->fingerprint);
    cert_free(cert);
    return good;
}

static bool hello_fits(const struct step *s, const struct hello_gateway *hello)
{
    uint8_t expected[SHA256_LEN];
    sha256(s->head.client_hello.p, s->head.client_hello.len, expected);
    return str_eq(hello->gateway, s->req->who.id) && memcmp(expected, hello->client_hash, sizeof(expected)) == 0;
}

static int accept_write(struct step *s, struct db *db)
{
    const struct accept_request *in = s->req->record;
    int r = db_run(db, SQL_CONNECTION_ACCEPT,
                   DB_ARGS(DB_STR("id", s->head.id), DB_BYTES("hello", in->hello.p, in->hello.len),
                           DB_BYTES("signature", in->signature.p, in->signature.len),
                           DB_BYTES("fingerprint", s->fingerprint, sizeof(s->fingerprint))),
                   NULL);
    if (!r)
        r = db_run(db, SQL_LEASES_READY, DB_ARGS(DB_STR("connection_id", s->head.id)), NULL);
    if (!r && s->head.replaces)
        r = db_run(db, SQL_CONNECTION_REPLACED,
                   DB_ARGS(DB_STR("id", s->head.replaces), DB_STR("session_id", s->head.session_id)), NULL);
    return r ? r : change_add(db, "connection", s->head.id, "modified");
}

/* -EBADMSG: the hello does not belong to this connection. */
static int accept_step(struct db *db, void *arg)
{
    struct step *s = arg;
    const struct accept_request *in = s->req->record;
    struct hello_gateway hello;
    int r = lock(s, db);
    if (r)
        return r;
    if (hello_gateway_decode(in->hello.p, in->hello.len, &hello) || !hello_fits(s, &hello))
        return -EBADMSG;
    enum link_state state = (enum link_state)s->head.state;
    if (state == LINK_READY && same_bytes(s->head.gateway_hello, in->hello))
        return 0; /* said before */
    s->over = link_set(&state, LINK_READY, s->head.id, "accepted by the gateway") != 0;
    return s->over ? 0 : accept_write(s, db);
}

int connection_accept(struct request *req, struct response *res)
{
    struct step s = {.req = req};
    if (!signature_fits(&s))
        return problem(req, res, PROBLEM_SIGNATURE_WRONG, "hello was not signed by this gateway's key");
    int r = db_transact(req->db, accept_step, &s);
    if (r == -ENOENT)
        return problem(req, res, PROBLEM_NOT_FOUND, "no such connection");
    if (r == -EBADMSG)
        return problem_at(req, res, PROBLEM_INVALID, "/hello", "it does not answer this connection's hello");
    if (!r && s.over)
        return problem(req, res, PROBLEM_CONNECTION_OVER, NULL);
    res->status = 204;
    return r;
}

/* --- fail --- */

static int fail_step(struct db *db, void *arg)
{
    struct step *s = arg;
    const struct fail_request *in = s->req->record;
    int r = lock(s, db);
    if (r || !link_live((enum link_state)s->head.state))
        return r;
    bool by_gateway = s->req->who.kind == PRINCIPAL_GATEWAY;
    const struct ending why = {.code = by_gateway ? "gateway_failed" : "client_closed", .why = in->reason};
    return ledger_end_connection(db, s->req->arena, s->head.id, by_gateway ? LINK_FAILED : LINK_ENDED, &why);
}

int connection_fail(struct request *req, struct response *res)
{
    struct step s = {.req = req};
    int r = db_transact(req->db, fail_step, &s);
    if (r == -ENOENT)
        return problem(req, res, PROBLEM_NOT_FOUND, "no such connection");
    res->status = 204;
    return r;
}
