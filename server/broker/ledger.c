/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/broker/ledger.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "server/core/hub.h"
#include "server/store/access.h"
#include "server/store/sql.h"

int ledger_decision(struct db *db, const struct ledger_entry *e, char *id)
{
    char fresh[ID_LEN_MAX];
    id_new("dec", clock_wall_ms(), fresh);
    if (id)
        memcpy(id, fresh, sizeof(fresh));
    return db_run(db, SQL_DECISION_ADD,
                  DB_ARGS(DB_STR("id", fresh), DB_STR("kind", e->kind), DB_STR("verdict", e->allow ? "allow" : "deny"),
                          DB_STR("reason", e->why), DB_STR("person_id", e->person), DB_STR("device_id", e->device),
                          DB_STR("resource_id", e->resource), DB_STR("gateway_id", e->gateway),
                          DB_STR("lease_id", e->lease), DB_STRS("policies", e->policies, e->n_policies),
                          DB_TIME("valid_until", e->valid_until_us),
                          DB_STR("protocol", e->protocol ? e->protocol : "any"), DB_STR("destination", e->destination),
                          DB_INT("port", e->port), DB_INT("packets", e->packets), DB_STR("session_id", e->session),
                          DB_STR("pdp", e->by_gateway ? "gateway" : "central"), DB_STR("code", e->code),
                          DB_STR("world", e->world), DB_INT("eval_ns", e->eval_ns)),
                  NULL);
}

int ledger_end_lease(struct db *db, const struct lease_head *lease, const struct ending *why)
{
    struct ledger_entry entry = {.kind = "revoke",
                                 .code = why->code,
                                 .why = why->why,
                                 .person = lease->person_id,
                                 .device = lease->device_id,
                                 .session = lease->session_id,
                                 .resource = lease->resource_id,
                                 .gateway = lease->gateway_id,
                                 .lease = lease->id,
                                 .n_policies = why->n_policies,
                                 .world = why->world,
                                 .eval_ns = why->eval_ns};
    char decision[ID_LEN_MAX];
    memcpy(entry.policies, why->policies, sizeof(entry.policies));
    int r = ledger_decision(db, &entry, decision);
    if (!r)
        r = db_run(db, SQL_LEASE_CLOSE,
                   DB_ARGS(DB_STR("id", lease->id), DB_STR("state", why->expired ? "expired" : "revoked"),
                           DB_STR("reason", why->code), DB_STR("decision_id", decision)),
                   NULL);
    if (!r)
        r = change_add(db, "lease", lease->id, "deleted");
    if (!r)
        log_info("lease %s of %s on %s ends: %s", lease->id, lease->person_id, lease->resource_id, why->why);
    return r;
}

int ledger_end_connection(struct db *db, struct arena *a, const char *id, enum link_state to, const struct ending *why)
{
    struct lease_head *leases;
    size_t n;
    int64_t changed;
    int r = db_all(db, SQL_LEASES_OF_CONNECTION, DB_ARGS(DB_STR("connection_id", id)), a, (void **)&leases, &n);
    for (size_t i = 0; !r && i < n; i++)
        r = ledger_end_lease(db, &leases[i], why);
    if (!r)
        r = db_run(db, SQL_CONNECTION_CLOSE,
                   DB_ARGS(DB_STR("id", id), DB_STR("state", link_state_names[to]), DB_STR("reason", why->code)),
                   &changed);
    if (!r && changed) {
        log_info("connection %s: %s: %s", id, link_state_names[to], why->why);
        r = change_add(db, "connection", id, to == LINK_FAILED ? "modified" : "deleted");
    }
    return r;
}

int ledger_end_session(struct db *db, struct arena *a, const char *id, const struct ending *why)
{
    struct id_row *connections;
    size_t n;
    int64_t changed;
    struct id_row held;
    /* Locked first: whoever is adding a connection to it holds it too, and is waited for. */
    int r = db_one(db, SQL_SESSION_LOCK, DB_ARGS(DB_STR("id", id)), a, &held);
    if (r)
        return r == -ENOENT ? 0 : r;
    r = db_all(db, SQL_CONNECTIONS_OF_SESSION, DB_ARGS(DB_STR("session_id", id)), a, (void **)&connections, &n);
    for (size_t i = 0; !r && i < n; i++)
        r = ledger_end_connection(db, a, connections[i].id, LINK_ENDED, why);
    if (!r)
        r = db_run(db, SQL_SESSION_END, DB_ARGS(DB_STR("id", id), DB_STR("reason", why->code)), &changed);
    if (!r && changed) {
        log_info("session %s ends: %s", id, why->why);
        r = db_run(db, SQL_SLOT_REST, DB_ARGS(DB_STR("session_id", id)), NULL);
    }
    if (!r && changed)
        r = change_add(db, "session", id, "deleted");
    return r;
}

const char *ending_user_text(const char *code)
{
    static const struct {
        const char *code, *text;
    } rows[] = {
        {"signed_out", "You signed out."},
        {"signed_in_again", "Somebody signed in on this device again."},
        {"session_over", "Your session is over; sign in again."},
        {"replaced", "A new key took over."},
        {"gateway_silent", "The gateway did not answer in time."},
        {"gateway_failed", "The gateway could not set the connection up."},
        {"gateway_gone", "The gateway was taken away."},
        {"gateway_enrolled", "The gateway was set up anew."},
        {"server_restarted", "The server restarted while the connection was set up."},
        {"client_closed", "This device closed the connection."},
        {"expired", "Your access has ended."},
        {"no_lease_left", "Nothing is left that you may reach through this connection."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(rows[i].code, code))
            return rows[i].text;
    for (int reason = 0; reason <= POLICY_REASON_ACTION; reason++)
        if (str_eq(policy_reason_code((enum policy_reason)reason), code))
            return policy_reason_user((enum policy_reason)reason);
    return "Your access has ended.";
}
