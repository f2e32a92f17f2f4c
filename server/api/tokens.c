/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "crypto/token.h"
#include "server/api/hooks.h"
#include "server/store/sql.h"

#define YEAR_US (INT64_C(366) * 24 * 60 * 60 * 1000000)

void token_hook_check(struct request *req, void *object, struct rec_errors *errors)
{
    const struct token *t = object;
    int64_t now_us = clock_wall_us();
    if (t->created_at) /* a change of one that is there */
        return;
    if (t->expires_at <= now_us)
        rec_error_add(errors, "/expires_at", "must lie ahead");
    else if (t->expires_at > now_us + YEAR_US)
        rec_error_add(errors, "/expires_at", "must lie within a year");
}

static enum role role_of(const struct principal *who)
{
    return who->allow & ALLOW_ADMIN ? ROLE_ADMIN : who->allow & ALLOW_AUDITOR ? ROLE_AUDITOR : ROLE_MEMBER;
}

static int guard_creation(struct request *req, struct response *res, const struct token *t)
{
    /* A token that could make tokens would outlive its own expiry and widen its own scopes. */
    if (req->who.kind != PRINCIPAL_PERSON)
        return problem(req, res, PROBLEM_FORBIDDEN, "tokens are made by signed-in people, not by tokens");
    if (t->role > (int)role_of(&req->who))
        return problem_at(req, res, PROBLEM_INVALID, "/role", "your own role is %s", role_names[role_of(&req->who)]);
    return 0;
}

int token_hook_guard(struct request *req, struct response *res, const void *before, const void *after)
{
    const struct token *t = before;
    if (!t)
        return guard_creation(req, res, after);
    if (!(req->who.allow & ALLOW_ADMIN) && !str_eq(t->person_id, req->who.id))
        return problem(req, res, PROBLEM_FORBIDDEN, "this token is another person's");
    return 0;
}

int token_hook_insert(struct request *req, void *object)
{
    struct token *t = object;
    char text[TOKEN_LEN_MAX];
    uint8_t hash[SHA256_LEN];
    token_make("pat", text);
    token_hash(text, hash);
    t->secret = arena_strdup(req->arena, text);
    if (!t->secret)
        return -ENOMEM;
    return db_run(req->db, SQL_TOKEN_INSERT,
                  DB_RECORD_AND(&token_rec, t, DB_STR("kind", "pat"), DB_STR("person_id", req->who.id),
                                DB_BYTES("hash", hash, sizeof(hash))),
                  NULL);
}

void token_hook_created(const void *inserted, void *answer)
{
    const struct token *from = inserted;
    struct token *to = answer;
    to->secret = from->secret;
}
