/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* People sign in and out on an enrolled device. */
#include "base/clock.h"
#include "base/str.h"
#include "server/api/dispatch.h"
#include "server/api/problem.h"
#include "server/broker/handlers.h"
#include "server/broker/ledger.h"
#include "server/broker/state.h"
#include "server/identity/identity.h"
#include "server/store/audit.h"
#include "server/store/sql.h"

struct signing_in {
    struct request *req;
    const struct account *account;
    char id[ID_LEN_MAX];
    char v4[NET_ADDR_TEXT], v6[NET_ADDR_TEXT];
    int64_t expires_us;
};

/* Takes the first free slot of [from, end). 0, -ENOENT when none is free. */
static int take_slot(struct signing_in *s, struct db *db, uint32_t from, uint32_t end, uint32_t *slot)
{
    while (from < end) {
        struct slot_row *rows;
        int64_t taken[SLOT_WINDOW], changed;
        size_t n;
        int r = db_all(db, SQL_SLOTS_TAKEN, DB_ARGS(DB_INT("from_slot", from), DB_INT("window", SLOT_WINDOW)),
                       s->req->arena, (void **)&rows, &n);
        if (r)
            return r;
        for (size_t i = 0; i < n; i++)
            taken[i] = rows[i].slot;
        if (!slot_search(taken, n, from, end, slot)) {
            from = *slot;
            continue;
        }
        r = db_run(db, SQL_SLOT_TAKE, DB_ARGS(DB_INT("slot", *slot), DB_STR("session_id", s->id)), &changed);
        if (r || changed)
            return r;
        from = *slot; /* somebody was faster: look again from there */
    }
    return -ENOENT;
}

static int take_addresses(struct signing_in *s, struct db *db)
{
    const struct inner_pools *pools = &the_broker->pools;
    uint32_t preferred = slot_preferred(pools, s->req->who.id), slot;
    int r = take_slot(s, db, preferred, pools->n_slots - 1, &slot);
    if (r == -ENOENT)
        r = take_slot(s, db, SLOT_FIRST, preferred, &slot);
    if (r)
        return r;
    net_addr_format(inner_v4(pools, slot), s->v4);
    net_addr_format(inner_v6(pools, slot), s->v6);
    return 0;
}

static int end_earlier(struct signing_in *s, struct db *db)
{
    struct id_row *rows;
    size_t n;
    int r = db_all(db, SQL_SESSION_OF_DEVICE, DB_ARGS(DB_STR("device_id", s->req->who.id)), s->req->arena,
                   (void **)&rows, &n);
    for (size_t i = 0; !r && i < n; i++)
        r = ledger_end_session(db, s->req->arena, rows[i].id,
                               &(struct ending){.code = "signed_in_again", .why = "signed in again on the device"});
    return r;
}

static int audit(struct request *req, const char *action, const char *person, const char *name)
{
    const struct audit_actor by = {.id = person, .name = name, .address = req->peer, .request_id = req->id};
    return audit_add(req->db, &by,
                     &(struct audit_entry){
                         .action = action, .kind = "device", .object_id = req->who.id, .object_name = req->who.name});
}

static int sign_in_step(struct db *db, void *arg)
{
    struct signing_in *s = arg;
    id_new("ses", clock_wall_ms(), s->id);
    s->expires_us = clock_wall_us() + (int64_t)SESSION_SECONDS * 1000000;
    int r = end_earlier(s, db);
    if (!r)
        r = take_addresses(s, db);
    if (!r)
        r = db_run(db, SQL_SESSION_ADD,
                   DB_ARGS(DB_STR("id", s->id), DB_STR("device_id", s->req->who.id),
                           DB_STR("person_id", s->account->id), DB_STR("inner_v4", s->v4), DB_STR("inner_v6", s->v6),
                           DB_TIME("expires_at", s->expires_us)),
                   NULL);
    if (r == -EEXIST) /* two sign-ins on one device at once: one after the other then */
        return -EAGAIN;
    if (!r)
        r = db_run(db, SQL_ACCOUNT_SIGNED_IN, DB_ARGS(DB_STR("id", s->account->id)), NULL);
    if (!r)
        r = change_add(db, "session", s->id, "added");
    return r ? r : audit(s->req, "sign-in", s->account->id, s->account->email);
}

static int refuse_sign_in(struct request *req, struct response *res, const struct identity_verdict *v)
{
    if (v->result == IDENTITY_LIMITED) {
        response_headerf(res, "retry-after", "%lld", (long long)(v->retry_ms + 999) / 1000);
        return problem(req, res, PROBLEM_TOO_MANY, NULL);
    }
    return problem(req, res, PROBLEM_SIGN_IN_FAILED, NULL);
}

int agent_sign_in_post(struct request *req, struct response *res)
{
    const struct agent_sign_in *in = req->record;
    const struct identity_proof proof = {
        .email = in->email, .password = in->password, .peer = req->peer, .request_id = req->id};
    struct identity_verdict verdict;
    int r = identity_check_password(req->db, req->arena, &proof, &verdict);
    if (r)
        return r;
    if (verdict.result != IDENTITY_OK)
        return refuse_sign_in(req, res, &verdict);
    if (!req->who.person || !str_eq(verdict.account.id, req->who.person))
        return problem(req, res, PROBLEM_FORBIDDEN,
                       "this device belongs to somebody else; once an administrator has deleted it, sign in again");
    struct signing_in s = {.req = req, .account = &verdict.account};
    r = db_transact(req->db, sign_in_step, &s);
    if (r == -ENOENT)
        return problem(req, res, PROBLEM_UNAVAILABLE, "no inner address is free");
    if (r)
        return r;
    const struct session_state out = {.id = s.id,
                                      .person = verdict.account.id,
                                      .email = verdict.account.email,
                                      .inner_v4 = s.v4,
                                      .inner_v6 = s.v6,
                                      .valid_for_ms = MAX((s.expires_us - clock_wall_us()) / 1000, 0)};
    return answer_record(res, 201, &session_state_rec, &out);
}

static int sign_out_step(struct db *db, void *arg)
{
    struct request *req = arg;
    int r = ledger_end_session(db, req->arena, req->who.session,
                               &(struct ending){.code = "signed_out", .why = "the person signed out"});
    return r ? r : audit(req, "sign-out", req->who.person, NULL);
}

/* Signing out twice is no error. */
int agent_sign_out_post(struct request *req, struct response *res)
{
    int r = req->who.session ? db_transact(req->db, sign_out_step, req) : 0;
    res->status = 204;
    return r;
}
