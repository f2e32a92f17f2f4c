/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Signing in and out over REST, and the set-up of the first administrator. */
#include "crypto/token.h"
#include "server/api/crud.h"
#include "server/api/dispatch.h"
#include "server/api/hooks.h"
#include "server/core/core.h"
#include "server/identity/identity.h"
#include "server/settings/settings.h"
#include "server/store/sql.h"

static int too_many(struct request *req, struct response *res, int64_t wait_ms)
{
    response_headerf(res, "retry-after", "%lld", (long long)(wait_ms + 999) / 1000);
    return problem(req, res, PROBLEM_TOO_MANY, "wait as long as Retry-After says");
}

struct session_job {
    const struct account *account;
    char token[TOKEN_LEN_MAX], token_id[ID_LEN_MAX];
    int64_t expires_us;
};

static int session_step(struct request *req, struct response *res, const struct noun *noun, void *arg)
{
    struct session_job *job = arg;
    int r = identity_open_session(req->db, job->account, job->token, &job->expires_us, job->token_id);
    if (r)
        return r;
    const struct audit_actor actor = {.id = job->account->id,
                                      .name = job->account->email,
                                      .token = job->token_id,
                                      .address = req->peer,
                                      .request_id = req->id};
    return audit_add(
        req->db, &actor,
        &(struct audit_entry){
            .action = "sign-in", .kind = "person", .object_id = job->account->id, .object_name = job->account->email});
}

static int answer_session(struct request *req, struct response *res, int status, const struct account *account)
{
    struct session_job job = {.account = account};
    int r = crud_transact(req, res, NULL, session_step, &job);
    if (r)
        return r;
    const struct signed_in answer = {.token = job.token,
                                     .expires_at = job.expires_us,
                                     .person_id = account->id,
                                     .email = account->email,
                                     .name = account->name,
                                     .role = account->role};
    return answer_record(res, status, &signed_in_rec, &answer);
}

int sign_in_post(struct request *req, struct response *res)
{
    const struct sign_in *given = req->record;
    const struct identity_proof proof = {given->email, given->password, req->peer, req->id};
    struct identity_verdict verdict;
    int r = identity_local.verify(req->db, req->arena, &proof, &verdict);
    if (r)
        return r;
    switch (verdict.result) {
    case IDENTITY_WRONG:
        return problem(req, res, PROBLEM_SIGN_IN_FAILED, NULL);
    case IDENTITY_LIMITED:
        return too_many(req, res, verdict.retry_ms);
    case IDENTITY_OK:
        break;
    }
    return answer_session(req, res, 200, &verdict.account);
}

int sign_out_post(struct request *req, struct response *res)
{
    /* A token for automation ends by deleting it, not by a program that tidies up after itself. */
    if (req->who.kind != PRINCIPAL_PERSON)
        return problem(req, res, PROBLEM_FORBIDDEN, "only a sign-in can sign out; delete the token instead");
    res->status = 204;
    return db_run(req->db, SQL_CREDENTIAL_DELETE, DB_ARGS(DB_STR("id", req->who.token)), NULL);
}

int setup_post(struct request *req, struct response *res)
{
    const struct setup *given = req->record;
    int64_t wait_ms = identity_attempt(req->peer);
    if (wait_ms)
        return too_many(req, res, wait_ms);
    const struct identity_admin admin = {given->email, given->name, given->password};
    const struct audit_actor actor = {.name = "set-up token", .address = req->peer, .request_id = req->id};
    struct account account;
    int r = identity_redeem_setup(req->db, req->arena, core_settings(req->core)->data_dir, given->token, &admin, &actor,
                                  &account);
    if (r == -EACCES)
        return problem(req, res, PROBLEM_SETUP_REFUSED, NULL);
    if (r)
        return r;
    identity_attempt_was_right(req->peer);
    return answer_session(req, res, 201, &account);
}

int me_get(struct request *req, struct response *res)
{
    struct person person;
    int r = db_one(req->db, SQL_PERSON_GET, DB_ARGS(DB_STR("id", req->who.id)), req->arena, &person);
    if (r == -ENOENT)
        return problem(req, res, PROBLEM_UNAUTHENTICATED, NULL);
    return r ? r : answer_record(res, 200, &person_rec, &person);
}
