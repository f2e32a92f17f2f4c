/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* POST /agent/v1/connections: decide every resource that is asked for, choose a gateway, write it all down. */
#include "base/clock.h"
#include "base/rng.h"
#include "base/str.h"
#include "crypto/cert.h"
#include "crypto/psk.h"
#include "proto/agent.h"
#include "server/api/dispatch.h"
#include "server/api/problem.h"
#include "server/broker/handlers.h"
#include "server/broker/judge.h"
#include "server/broker/state.h"
#include "server/core/keys.h"
#include "server/domain/choice.h"
#include "server/store/sql.h"
#include <time.h>

/* More than any client needs while keys are changing; each is a peer at some gateway. */
enum { CONNECTIONS_MAX = 32 };

/* One resource that was asked for. */
struct wish {
    const char *id;
    struct policy_decision decision;
    char why[VERDICT_WHY_MAX];
    const char *code, *user; /* for the ledger; for the person */
    bool granted;
    int64_t eval_ns;
};

struct asking {
    struct request *req;
    const struct connection_request *in;
    struct world *world;
    const char *gateway; /* NULL: none can be used */
    struct wish *wishes;
    size_t n_wishes, n_granted;
    char connection[ID_LEN_MAX];
    uint8_t fingerprint[CERT_FINGERPRINT_LEN];
    int64_t session_expires_us;
};

/* --- the hello --- */

static int refuse_hello(struct request *req, struct response *res, const char *detail)
{
    return problem_at(req, res, PROBLEM_INVALID, "/hello", "%s", detail);
}

static int check_hello(struct asking *a, struct response *res)
{
    struct request *req = a->req;
    struct hello_client hello;
    struct cert *cert;
    if (hello_client_decode(a->in->hello.p, a->in->hello.len, &hello))
        return refuse_hello(req, res, "this is not a hello of a client");
    if (!str_eq(hello.session, req->who.session) || !str_eq(hello.device, req->who.id) ||
        !str_eq(hello.organisation, core_keys(req->core)->organisation))
        return refuse_hello(req, res, "it was made for another session, device or organisation");
    if (cert_parse_der(req->cert, req->cert_len, &cert))
        return problem(req, res, PROBLEM_CERTIFICATE_UNKNOWN, NULL);
    bool good = cert_verify_signature(cert, a->in->hello.p, a->in->hello.len, a->in->signature.p, a->in->signature.len);
    cert_fingerprint(cert, a->fingerprint);
    cert_free(cert);
    return good ? 0 : problem(req, res, PROBLEM_SIGNATURE_WRONG, "hello was not signed by this device's key");
}

/* --- deciding --- */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void decide(struct asking *a, struct wish *w)
{
    const struct policy_world *policy = a->world->policy;
    uint32_t resource = policy_resource(policy, w->id);
    const struct policy_class *first;
    size_t n = 1;
    if (resource != POLICY_NONE && !str_eq(a->world->resources[resource].site_id, a->in->site))
        w->id = ""; /* not in this site: as if it did not exist */
    int64_t began = now_ns();
    judge_lease(a->world, a->req->who.person, a->req->who.id, w->id, a->session_expires_us, clock_wall_us(),
                &w->decision, &first, &n);
    w->eval_ns = now_ns() - began;
    policy_reason_admin(policy, &w->decision, w->why, sizeof(w->why));
    w->code = policy_reason_code(w->decision.reason);
    w->user = policy_reason_user(policy_reason_shown(&w->decision));
    w->granted = w->decision.effect == POLICY_PERMIT;
}

/* A permitted resource without a gateway to reach it through is refused too: nothing opens, and that is on record. */
static void need_gateway(struct asking *a, struct wish *w)
{
    if (!w->granted || a->gateway)
        return;
    w->granted = false;
    w->code = "no_gateway";
    w->user = "No gateway of this site is online.";
    str_copy(w->why, sizeof(w->why), "permitted, but no gateway of the site is online");
}

static bool has_too_many(const struct request *req)
{
    size_t n = 0;
    pthread_rwlock_rdlock(&the_broker->lock);
    const struct live_session *s = live_session(&the_broker->live, req->who.session);
    if (s)
        list_for_each (it, &s->connections)
            n += link_live(container_of(it, struct live_connection, of_session)->state);
    pthread_rwlock_unlock(&the_broker->lock);
    return n >= CONNECTIONS_MAX;
}

static size_t sessions_use(const struct live_session *s, const char *gateway)
{
    size_t n = 0;
    list_for_each (it, &s->connections) {
        const struct live_connection *c = container_of(it, struct live_connection, of_session);
        n += link_live(c->state) && str_eq(c->gateway->id, gateway);
    }
    return n;
}

static void consider(struct asking *a, const struct world_gateway *g, struct candidate *out)
{
    struct broker *b = the_broker;
    char endpoint[NET_ENDPOINT_TEXT];
    *out = (struct candidate){.id = g->id, .online = agent_online(b, g->id)};
    out->usable = g->public_key.len > 0 && world_endpoint(g, endpoint);
    pthread_rwlock_rdlock(&b->lock);
    const struct live_gateway *load = live_gateway(&b->live, g->id);
    const struct live_session *s = live_session(&b->live, a->req->who.session);
    out->load = load ? load->n_connections : 0;
    out->in_use = s && sessions_use(s, g->id) > 0;
    pthread_rwlock_unlock(&b->lock);
}

static int choose(struct asking *a)
{
    const struct world *w = a->world;
    struct candidate *candidates = arena_array(a->req->arena, w->n_gateways, sizeof(*candidates));
    size_t n = 0;
    if (!candidates)
        return -ENOMEM;
    for (size_t i = 0; i < w->n_gateways; i++)
        if (str_eq(w->gateways[i].site_id, a->in->site))
            consider(a, &w->gateways[i], &candidates[n++]);
    int best = gateway_choose(candidates, n);
    a->gateway = best < 0 ? NULL : candidates[best].id;
    return 0;
}

static int decide_all(struct asking *a)
{
    a->n_wishes = a->in->n_resources;
    a->wishes = arena_array(a->req->arena, a->n_wishes, sizeof(*a->wishes));
    if (!a->wishes)
        return -ENOMEM;
    int r = choose(a);
    for (size_t i = 0; !r && i < a->n_wishes; i++) {
        a->wishes[i].id = a->in->resources[i];
        decide(a, &a->wishes[i]);
        a->wishes[i].id = a->in->resources[i];
        need_gateway(a, &a->wishes[i]);
        a->n_granted += a->wishes[i].granted;
    }
    return r;
}

/* --- writing --- */

static int write_decision(struct asking *a, struct db *db, const struct wish *w, const char *lease, char *id)
{
    const struct principal *who = &a->req->who;
    struct ledger_entry e = {.kind = w->granted ? "grant" : "deny",
                             .allow = w->granted,
                             .code = w->code,
                             .why = w->why,
                             .person = who->person,
                             .device = who->id,
                             .session = who->session,
                             .resource = w->id,
                             .gateway = a->gateway,
                             .lease = lease,
                             .valid_until_us = w->granted ? w->decision.valid_until_us : 0,
                             .world = a->world->revision,
                             .eval_ns = w->eval_ns};
    for (uint32_t i = 0; i < w->decision.n_rules; i++)
        e.policies[e.n_policies++] = policy_rule_id(a->world->policy, w->decision.rules[i]);
    return ledger_decision(db, &e, id);
}

static int write_wish(struct asking *a, struct db *db, const struct wish *w)
{
    char lease[ID_LEN_MAX], decision[ID_LEN_MAX];
    id_new("lea", clock_wall_ms(), lease);
    int r = write_decision(a, db, w, w->granted ? lease : NULL, decision);
    if (r || !w->granted)
        return r;
    r = db_run(db, SQL_LEASE_ADD,
               DB_ARGS(DB_STR("id", lease), DB_STR("connection_id", a->connection),
                       DB_STR("session_id", a->req->who.session), DB_STR("resource_id", w->id),
                       DB_STR("decision_id", decision), DB_TIME("valid_until", w->decision.valid_until_us)),
               NULL);
    return r ? r : change_add(db, "lease", lease, "added");
}

static int write_connection(struct asking *a, struct db *db)
{
    const struct connection_request *in = a->in;
    int r = db_run(db, SQL_CONNECTION_ADD,
                   DB_ARGS(DB_STR("id", a->connection), DB_STR("session_id", a->req->who.session),
                           DB_STR("site_id", in->site), DB_STR("gateway_id", a->gateway),
                           DB_BYTES("client_hello", in->hello.p, in->hello.len),
                           DB_BYTES("client_signature", in->signature.p, in->signature.len),
                           DB_BYTES("client_fingerprint", a->fingerprint, sizeof(a->fingerprint)),
                           DB_STR("replaces", in->replaces)),
                   NULL);
    return r ? r : change_add(db, "connection", a->connection, "added");
}

/* -ENOENT: the session ended meanwhile. */
static int write_step(struct db *db, void *arg)
{
    struct asking *a = arg;
    struct id_row held;
    int r = db_one(db, SQL_SESSION_HOLD, DB_ARGS(DB_STR("id", a->req->who.session)), a->req->arena, &held);
    if (!r && a->n_granted)
        r = write_connection(a, db);
    for (size_t i = 0; !r && i < a->n_wishes; i++)
        r = write_wish(a, db, &a->wishes[i]);
    return r;
}

static int write(struct asking *a)
{
    struct secret r32 = secret_new(32);
    if (a->n_granted) {
        id_new("con", clock_wall_ms(), a->connection);
        rng_bytes(r32.p, r32.len);
        secret_keep(the_broker, a->connection, r32.p); /* before the commit: streams may be quick */
    }
    secret_done(&r32);
    int r = db_transact(a->req->db, write_step, a);
    if (r && a->n_granted)
        secret_forget(the_broker, a->connection);
    return r;
}

static int answer(struct asking *a, struct response *res)
{
    struct connection_answer out = {.id = a->n_granted ? a->connection : NULL,
                                    .gateway = a->n_granted ? a->gateway : NULL};
    out.granted = arena_array(a->req->arena, a->n_wishes, sizeof(*out.granted));
    out.refused = arena_array(a->req->arena, a->n_wishes, sizeof(*out.refused));
    if (!out.granted || !out.refused)
        return -ENOMEM;
    for (size_t i = 0; i < a->n_wishes; i++)
        if (a->wishes[i].granted)
            out.granted[out.n_granted++] = a->wishes[i].id;
        else
            out.refused[out.n_refused++] = (struct refusal){a->wishes[i].id, a->wishes[i].user};
    return answer_record(res, a->n_granted ? 201 : 200, &connection_answer_rec, &out);
}

/* From memory, or from the database when the session is younger than what is published. */
static int session_expiry(struct asking *a)
{
    struct session_row *rows;
    size_t n;
    pthread_rwlock_rdlock(&the_broker->lock);
    const struct live_session *s = live_session(&the_broker->live, a->req->who.session);
    a->session_expires_us = s ? s->expires_us : 0;
    pthread_rwlock_unlock(&the_broker->lock);
    if (a->session_expires_us)
        return 0;
    int r =
        db_all(a->req->db, SQL_SESSIONS_READ, DB_ARGS(DB_BOOL("every", false), DB_STRS("ids", &a->req->who.session, 1)),
               a->req->arena, (void **)&rows, &n);
    a->session_expires_us = !r && n && !rows[0].ended ? rows[0].expires_at : 0;
    return r || a->session_expires_us ? r : -ENOENT;
}

int connection_ask(struct request *req, struct response *res)
{
    struct asking a = {.req = req, .in = req->record};
    int r = check_hello(&a, res);
    if (r)
        return r;
    if (has_too_many(req)) {
        response_header(res, "retry-after", "5");
        return problem(req, res, PROBLEM_TOO_MANY, "close connections of this session first");
    }
    a.world = broker_world(the_broker);
    r = session_expiry(&a);
    if (!r)
        r = decide_all(&a);
    if (!r)
        r = write(&a);
    if (!r)
        r = answer(&a, res);
    world_unref(a.world);
    if (r == -ENOENT)
        return problem(req, res, PROBLEM_UNAUTHENTICATED, "the session is over");
    return r;
}
