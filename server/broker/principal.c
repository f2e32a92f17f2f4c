/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "crypto/hash.h"
#include "server/api/problem.h"
#include "server/broker/broker.h"
#include "server/broker/handlers.h"
#include "server/store/access.h"
#include "server/store/audit.h"
#include "server/store/sql.h"

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
    return 0;
}

struct audit_actor actor_of(const struct request *req)
{
    return (struct audit_actor){.id = req->who.id, .name = req->who.name, .address = req->peer, .request_id = req->id};
}
