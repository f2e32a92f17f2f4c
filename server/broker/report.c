/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What agents tell about themselves, and the packets that gateways refused. */
#include "proto/agent.h"
#include "server/broker/handlers.h"
#include "server/broker/ledger.h"
#include "server/broker/state.h"
#include "server/store/sql.h"

enum { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ICMPV6 = 58 };

static void note_leaving(const char *id)
{
    struct broker *b = the_broker;
    pthread_mutex_lock(&b->agents_lock);
    struct agent *a = map_get(&b->agents, id);
    if (a)
        a->leaving = true;
    pthread_mutex_unlock(&b->agents_lock);
}

/* What others see of a gateway is a change; that it lives is not. */
static int gateway_step(struct db *db, void *arg)
{
    struct request *req = arg;
    const struct status_report *in = req->record;
    int64_t changed = 0;
    int r = 0;
    if (in->wireguard_key.len)
        r = db_run(db, SQL_GATEWAY_REPORT,
                   DB_ARGS(DB_STR("id", req->who.id), DB_STR("version", in->version), DB_STR("boot", in->boot),
                           DB_BYTES("public_key", in->wireguard_key.p, in->wireguard_key.len),
                           DB_INT("listen_port", in->listen_port)),
                   &changed);
    if (!r)
        r = db_run(db, SQL_GATEWAY_SEEN,
                   DB_ARGS(DB_STR("id", req->who.id), DB_STR("applied_revision", in->applied_revision),
                           DB_INT("denied_packets", in->denied_packets)),
                   NULL);
    return r || !changed ? r : change_add(db, "gateway", req->who.id, "modified");
}

int status_put(struct request *req, struct response *res)
{
    const struct status_report *in = req->record;
    res->status = 204;
    if (in->leaving)
        note_leaving(req->who.id);
    if (req->who.kind == PRINCIPAL_GATEWAY)
        return db_transact(req->db, gateway_step, req);
    return db_run(req->db, SQL_DEVICE_SEEN, DB_ARGS(DB_STR("id", req->who.id), DB_STR("version", in->version)), NULL);
}

static const char *protocol_name(int64_t number)
{
    switch (number) {
    case IP_TCP:
        return "tcp";
    case IP_UDP:
        return "udp";
    case IP_ICMP:
    case IP_ICMPV6:
        return "icmp";
    default:
        return "any";
    }
}

struct culprit {
    char person[ID_LEN_MAX], device[ID_LEN_MAX], session[ID_LEN_MAX];
};

/* Whose packets they were: whoever has the inner address now, if that session ever used the gateway that says so. A
 * gateway is not believed about anybody else. */
static int find_culprit(struct db *db, const struct request *req, const char *inner, struct culprit *out)
{
    struct broker *b = the_broker;
    struct id_row used;
    *out = (struct culprit){0};
    pthread_rwlock_rdlock(&b->lock);
    const struct live_session *s = map_get(&b->live.inner, inner);
    if (s) {
        memcpy(out->person, s->person, sizeof(out->person));
        memcpy(out->device, s->device, sizeof(out->device));
        memcpy(out->session, s->id, sizeof(out->session));
    }
    pthread_rwlock_unlock(&b->lock);
    if (!*out->session)
        return 0;
    int r = db_one(db, SQL_CONNECTION_BETWEEN,
                   DB_ARGS(DB_STR("session_id", out->session), DB_STR("gateway_id", req->who.id)), req->arena, &used);
    if (r == -ENOENT)
        *out = (struct culprit){0};
    return r == -ENOENT ? 0 : r;
}

static int write_flow(struct db *db, const struct request *req, const struct denied_flow *flow)
{
    struct culprit who;
    int r = find_culprit(db, req, flow->inner, &who);
    if (r)
        return r;
    const struct ledger_entry e = {.kind = "packets",
                                   .code = "no_grant",
                                   .why = "packets that no grant opens the way for",
                                   .person = *who.person ? who.person : NULL,
                                   .device = *who.device ? who.device : NULL,
                                   .session = *who.session ? who.session : NULL,
                                   .gateway = req->who.id,
                                   .by_gateway = true,
                                   .protocol = protocol_name(flow->protocol),
                                   .destination = flow->destination,
                                   .port = flow->port,
                                   .packets = flow->packets};
    return ledger_decision(db, &e, NULL);
}

static int reports_step(struct db *db, void *arg)
{
    const struct request *req = arg;
    const struct report_batch *in = req->record;
    int64_t fresh;
    int r =
        db_run(db, SQL_REPORT_MARK,
               DB_ARGS(DB_STR("gateway_id", req->who.id), DB_STR("boot", in->boot), DB_INT("seq", in->seq)), &fresh);
    for (size_t i = 0; !r && fresh && i < in->n_items; i++)
        r = write_flow(db, req, &in->items[i]);
    return r;
}

int reports_post(struct request *req, struct response *res)
{
    res->status = 204;
    return db_transact(req->db, reports_step, req);
}
