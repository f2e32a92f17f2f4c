/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "crypto/hash.h"
#include "server/api/problem.h"
#include "server/broker/broker.h"
#include "server/broker/handlers.h"
#include "server/identity/limit.h"
#include "server/store/access.h"
#include "server/store/audit.h"
#include "server/store/sql.h"
#include <pthread.h>

static void fill(struct principal *who, const struct agent_row *row)
{
    bool gateway = row->gateway_id != NULL;
    *who = (struct principal){.kind = gateway ? PRINCIPAL_GATEWAY : PRINCIPAL_DEVICE,
                              .allow = gateway ? ALLOW_GATEWAY : ALLOW_DEVICE,
                              .id = gateway ? row->gateway_id : row->device_id,
                              .name = row->name,
                              .session = row->session_id,
                              .person = row->person_id};
    if (row->session_id)
        who->allow = ALLOW_SESSION;
}

/* What one agent may ask for, by route: far above what ours do, and low enough that one that was taken over fills
 * neither the database nor the workers. */
static struct quota {
    handler_fn *run;
    struct limit_rule rule; /* at once; milliseconds for one more */
    struct limit *limit;
} quotas[] = {
    {agent_sign_in_post, {30, 10000}, NULL}, {certificate_renew, {10, 3600000}, NULL},
    {connection_ask, {300, 100}, NULL},      {reports_post, {60, 1000}, NULL},
    {status_put, {120, 500}, NULL},
};
static pthread_mutex_t quotas_lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t take_from(struct quota *q, const char *agent)
{
    pthread_mutex_lock(&quotas_lock);
    if (!q->limit)
        q->limit = limit_new(q->rule);
    int64_t wait_ms = limit_take(q->limit, agent, strlen(agent), clock_boot_ms());
    pthread_mutex_unlock(&quotas_lock);
    return wait_ms;
}

static int take_quota(struct request *req, struct response *res)
{
    int64_t wait_ms = 0;
    for (size_t i = 0; i < ARRAY_LEN(quotas); i++)
        if (quotas[i].run == req->route->run)
            wait_ms = take_from(&quotas[i], req->who.id);
    if (!wait_ms)
        return 0;
    response_headerf(res, "retry-after", "%lld", (long long)(wait_ms + 999) / 1000);
    return problem(req, res, PROBLEM_TOO_MANY, "this agent asks too often; wait as long as Retry-After says");
}

int broker_principal(struct request *req, struct response *res)
{
    uint8_t fingerprint[SHA256_LEN];
    struct agent_row row;
    if (!req->cert)
        return problem(req, res, PROBLEM_CERTIFICATE_UNKNOWN, "show a client certificate");
    sha256(req->cert, req->cert_len, fingerprint);
    int r = db_one(req->db, SQL_AGENT_BY_FINGERPRINT,
                   DB_ARGS(DB_BYTES("fingerprint", fingerprint, sizeof(fingerprint))), req->arena, &row);
    if (r == -ENOENT)
        return problem(req, res, PROBLEM_CERTIFICATE_UNKNOWN, "its gateway or device was deleted, or enrolled anew");
    if (r)
        return r;
    if (row.expired)
        return problem(req, res, PROBLEM_CERTIFICATE_EXPIRED, "enrol again");
    if (row.blocked)
        return problem(req, res, PROBLEM_DEVICE_BLOCKED, "ask your administrator");
    fill(&req->who, &row);
    if (req->who.kind == PRINCIPAL_DEVICE && !row.session_id && req->route->allow == ALLOW_SESSION)
        return problem(req, res, PROBLEM_UNAUTHENTICATED, "nobody is signed in on this device");
    return take_quota(req, res);
}

struct audit_actor actor_of(const struct request *req)
{
    return (struct audit_actor){.id = req->who.id, .name = req->who.name, .address = req->peer, .request_id = req->id};
}
