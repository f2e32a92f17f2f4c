/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/broker/judge.h"
#include "base/str.h"
#include "server/core/hub.h"
#include "server/store/sql.h"
#include <time.h>

void judgements_done(struct judgements *j)
{
    buf_done(&j->list);
}

size_t judgements_n(const struct judgements *j)
{
    return j->list.len / sizeof(struct judgement);
}

struct judgement *judgement_at(const struct judgements *j, size_t i)
{
    return (struct judgement *)(void *)j->list.data + i;
}

void judge_lease(const struct world *w, const char *person, const char *device, const char *resource,
                 int64_t session_expires_us, int64_t now_us, struct policy_decision *out,
                 const struct policy_class **classes, size_t *n)
{
    struct policy_query q = world_query(w, person, device, now_us);
    policy_decide_grant(w->policy, &q, policy_resource(w->policy, resource), out, classes, n);
    out->valid_until_us = MIN(out->valid_until_us, session_expires_us);
}

static struct judgement *add(struct judgements *out, enum judged what, const char *id)
{
    struct judgement j = {.what = what};
    str_copy(j.id, sizeof(j.id), id);
    buf_append(&out->list, &j, sizeof(j));
    return judgement_at(out, judgements_n(out) - 1);
}

static void explain(struct judgement *j, const struct world *w, const struct policy_decision *d)
{
    j->decision = *d;
    policy_reason_admin(w->policy, d, j->why_text, sizeof(j->why_text));
    j->why.code = policy_reason_code(d->reason);
    j->why.world = w->revision;
    for (uint32_t i = 0; i < d->n_rules; i++)
        j->why.policies[j->why.n_policies++] = policy_rule_id(w->policy, d->rules[i]);
}

static void end_session(const struct live_session *s, struct judgements *out)
{
    struct judgement *j = add(out, JUDGED_SESSION, s->id);
    j->why.code = "session_over";
    j->why.expired = true;
    str_copy(j->why_text, sizeof(j->why_text), "the session is over");
}

/* A session ends with its time, or when its person or device may ask for nothing at all any more. */
static bool judge_session(const struct live_session *s, const struct world *w, int64_t now_us, struct judgements *out)
{
    struct policy_decision d;
    if (s->expires_us <= now_us) {
        end_session(s, out);
        return false;
    }
    struct policy_query q = world_query(w, s->person, s->device, now_us);
    policy_decide(w->policy, &q, POLICY_NONE, &d);
    if (d.reason == POLICY_REASON_RESOURCE_UNKNOWN)
        return true;
    explain(add(out, JUDGED_SESSION, s->id), w, &d);
    return false;
}

static void describe(struct judgement *j, const struct live_lease *lease)
{
    const struct live_connection *c = lease->connection;
    str_copy(j->resource, sizeof(j->resource), lease->resource);
    str_copy(j->session, sizeof(j->session), c->session->id);
    str_copy(j->person, sizeof(j->person), c->session->person);
    str_copy(j->device, sizeof(j->device), c->session->device);
    str_copy(j->gateway, sizeof(j->gateway), c->gateway->id);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Returns whether the lease goes on. */
static bool judge_one(const struct live_lease *lease, const struct world *w, int64_t now_us, struct judgements *out)
{
    const struct live_session *s = lease->connection->session;
    const struct policy_class *first;
    size_t n = 1;
    struct policy_decision d;
    int64_t began = now_ns();
    judge_lease(w, s->person, s->device, lease->resource, s->expires_us, now_us, &d, &first, &n);
    int64_t took = now_ns() - began;
    bool permitted = d.effect == POLICY_PERMIT, over = d.valid_until_us <= now_us;
    if (permitted && !over && d.valid_until_us == lease->valid_until_us)
        return true;
    struct judgement *j = add(out, permitted && !over ? JUDGED_EXTENDED : JUDGED_LEASE, lease->id);
    explain(j, w, &d);
    describe(j, lease);
    j->why.eval_ns = took;
    j->valid_until_us = d.valid_until_us;
    if (permitted && over) {
        j->why.expired = true;
        j->why.code = "expired";
        str_copy(j->why_text, sizeof(j->why_text), "its time is over");
    }
    return j->what == JUDGED_EXTENDED;
}

static void end_connection(const struct live_connection *c, const char *code, const char *why, struct judgements *out)
{
    struct judgement *j = add(out, JUDGED_CONNECTION, c->id);
    j->why.code = code;
    str_copy(j->why_text, sizeof(j->why_text), why);
}

static void judge_connection(const struct live_connection *c, const struct world *w, bool every, int64_t now_us,
                             struct judgements *out)
{
    size_t left = 0, gone = 0;
    if (!link_live(c->state))
        return;
    if (world_gateway_of(w, c->gateway->id) == POLICY_NONE) {
        end_connection(c, "gateway_gone", "its gateway was deleted", out);
        return;
    }
    list_for_each (it, &c->leases) {
        const struct live_lease *lease = container_of(it, struct live_lease, of_connection);
        bool due = every || lease->held || lease->valid_until_us <= now_us;
        if (!due || judge_one(lease, w, now_us, out))
            left++;
        else
            gone++;
    }
    if (gone && !left)
        end_connection(c, "no_lease_left", "none of its leases is left", out);
}

void judge(const struct live *live, const struct world *w, bool every, int64_t now_us, struct judgements *out)
{
    map_for_each (it, &live->sessions) {
        const struct live_session *s = it->value;
        if (!judge_session(s, w, now_us, out))
            continue;
        list_for_each (link, &s->connections)
            judge_connection(container_of(link, struct live_connection, of_session), w, every, now_us, out);
    }
}

static int write_extended(struct db *db, const struct judgement *j)
{
    struct ledger_entry entry = {.kind = "grant",
                                 .allow = true,
                                 .code = j->why.code,
                                 .why = j->why_text,
                                 .person = j->person,
                                 .device = j->device,
                                 .session = j->session,
                                 .resource = j->resource,
                                 .gateway = j->gateway,
                                 .lease = j->id,
                                 .n_policies = j->why.n_policies,
                                 .valid_until_us = j->valid_until_us,
                                 .world = j->why.world,
                                 .eval_ns = j->why.eval_ns};
    char decision[ID_LEN_MAX];
    memcpy(entry.policies, j->why.policies, sizeof(entry.policies));
    int r = ledger_decision(db, &entry, decision);
    if (!r)
        r = db_run(
            db, SQL_LEASE_EXTEND,
            DB_ARGS(DB_STR("id", j->id), DB_TIME("valid_until", j->valid_until_us), DB_STR("decision_id", decision)),
            NULL);
    return r ? r : change_add(db, "lease", j->id, "modified");
}

static int write_one(struct db *db, struct arena *a, const struct judgement *j)
{
    struct ending why = j->why;
    why.why = j->why_text;
    switch (j->what) {
    case JUDGED_SESSION:
        return ledger_end_session(db, a, j->id, &why);
    case JUDGED_CONNECTION:
        return ledger_end_connection(db, a, j->id, LINK_ENDED, &why);
    case JUDGED_LEASE:
        return ledger_end_lease(
            db, &(struct lease_head){j->id, j->resource, j->session, j->person, j->device, j->gateway}, &why);
    case JUDGED_EXTENDED:
        return write_extended(db, j);
    }
    return 0;
}

int judgements_write(struct db *db, struct arena *a, const struct judgements *j)
{
    int r = 0;
    for (size_t i = 0; !r && i < judgements_n(j); i++)
        r = write_one(db, a, judgement_at(j, i));
    return r;
}
