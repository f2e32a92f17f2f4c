/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/crud.h"
#include "server/api/hooks.h"
#include "server/identity/identity.h"
#include "server/store/records.h"
#include "server/store/sql.h"

void resource_hook_check(struct request *req, void *object, struct rec_errors *errors)
{
    resource_check(object, errors);
}

void person_hook_check(struct request *req, void *object, struct rec_errors *errors)
{
    struct person *p = object;
    char *email = arena_strdup(req->arena, p->email);
    for (char *c = email; c && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    if (email)
        p->email = email;
}

static bool is_admin(const struct person *p)
{
    return p && p->enabled && p->role == ROLE_ADMIN;
}

int person_hook_guard(struct request *req, struct response *res, const void *before, const void *after)
{
    if (!is_admin(before) || is_admin(after))
        return 0;
    struct flag other;
    int r = db_run(req->db, SQL_ADMINS_LOCK, DB_NONE, NULL);
    if (!r)
        r = db_one(req->db, SQL_ADMIN_BESIDES, DB_ARGS(DB_STR("id", req->args[0])), req->arena, &other);
    if (r || other.value)
        return r;
    return problem(req, res, PROBLEM_LAST_ADMIN, "make another person an enabled administrator first");
}

static int password_step(struct request *req, struct response *res, const struct noun *noun, void *arg)
{
    const struct new_password *given = req->record;
    void *before, *after;
    int r = crud_lock(req, res, noun, &before);
    if (!r)
        r = identity_set_password(req->db, req->args[0], given->password);
    return r ? r : crud_written(req, noun, "set-password", before, &after);
}

int person_password(struct request *req, struct response *res)
{
    int r = crud_transact(req, res, noun_of(req->route->pattern), password_step, NULL);
    if (!r)
        res->status = 204;
    return r;
}
