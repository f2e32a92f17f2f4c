/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/crud.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "server/api/etag.h"
#include "server/core/hub.h"
#include "server/store/accounts.h"
#include "server/store/audit.h"

int crud_answer(struct response *res, const struct noun *noun, int status, const void *object)
{
    char tag[ETAG_LEN];
    etag_format(noun_revision(noun, object), tag);
    response_header(res, "etag", tag);
    response_header(res, "content-type", "application/json");
    res->status = status;
    buf_reset(&res->body);
    rec_encode(noun->rec, object, 0, &res->body);
    return 0;
}

static int not_found(struct request *req, struct response *res, const struct noun *noun)
{
    return problemf(req, res, PROBLEM_NOT_FOUND, "there is no %s %.31s", noun->kind, req->args[0]);
}

static int fetch(struct request *req, struct response *res, const struct noun *noun, size_t sql, void **object)
{
    *object = arena_alloc(req->arena, noun->rec->size);
    if (!*object)
        return -ENOMEM;
    if (!id_valid(req->args[0], noun->prefix))
        return not_found(req, res, noun);
    int r = db_one(req->db, sql, DB_ARGS(DB_STR("id", req->args[0])), req->arena, *object);
    return r == -ENOENT ? not_found(req, res, noun) : r;
}

int crud_get(struct request *req, struct response *res)
{
    const struct noun *noun = noun_of(req->route->pattern);
    void *object;
    int r = fetch(req, res, noun, noun->sql_get, &object);
    if (r)
        return r;
    const char *known = request_header(req, "if-none-match");
    crud_answer(res, noun, 200, object);
    if (known && etag_matches_weakly(known, noun_revision(noun, object))) {
        res->status = 304;
        buf_reset(&res->body);
    }
    return 0;
}

int crud_lock(struct request *req, struct response *res, const struct noun *noun, void **object)
{
    return fetch(req, res, noun, noun->sql_lock, object);
}

static int audit(struct request *req, const struct audit_entry *entry)
{
    const struct principal *who = &req->who;
    return audit_add(req->db, &(struct audit_actor){who->id, who->name, who->token, req->peer, req->id}, entry);
}

int crud_written(struct request *req, const struct noun *noun, const char *action, const void *before, void **after)
{
    /* The id may lie in the object that is read again. */
    const char *id = noun_id(noun, before ? before : *after);
    *after = arena_alloc(req->arena, noun->rec->size);
    if (!*after)
        return -ENOMEM;
    int r = db_one(req->db, noun->sql_get, DB_ARGS(DB_STR("id", id)), req->arena, *after);
    if (!r)
        r = change_add(req->db, noun->kind, id, before ? "modified" : "added");
    if (!r)
        r = audit(req, &(struct audit_entry){.action = action,
                                             .kind = noun->kind,
                                             .object_id = id,
                                             .object_name = noun_name(noun, *after),
                                             .rec = noun->rec,
                                             .before = before,
                                             .after = *after});
    return r;
}

bool crud_refused_stale(struct request *req, struct response *res, const struct noun *noun, const void *current)
{
    const char *wanted = request_header(req, "if-match");
    if (!wanted)
        problem(req, res, PROBLEM_IF_MATCH_MISSING, "send the ETag of the object as If-Match");
    else if (!etag_matches(wanted, noun_revision(noun, current)))
        problem_stale(req, res, noun->rec, current);
    else
        return false;
    return true;
}

struct transaction {
    struct request *req;
    struct response *res;
    const struct noun *noun;
    crud_step *step;
    void *arg;
    char constraint[64]; /* that the step violated; the rollback forgets it */
};

static int run_step(struct db *db, void *arg)
{
    struct transaction *t = arg;
    int r = t->step(t->req, t->res, t->noun, t->arg);
    str_copy(t->constraint, sizeof(t->constraint), r < 0 ? db_constraint(db) : "");
    return r;
}

/* "sites_name_key", "gateways_site_id_fkey" -> "/name", "/site_id" (see migrations/0001_nouns.sql). */
static const char *constraint_pointer(struct request *req, const char *name, const char *suffix)
{
    const char *field = strchr(name, '_');
    size_t n = field ? strlen(field + 1) : 0, tail = strlen(suffix);
    if (n <= tail || !str_eq(field + 1 + n - tail, suffix))
        return "";
    return arena_printf(req->arena, "/%.*s", (int)(n - tail), field + 1);
}

int crud_transact(struct request *req, struct response *res, const struct noun *noun, crud_step *step, void *arg)
{
    struct transaction t = {.req = req, .res = res, .noun = noun, .step = step, .arg = arg};
    int r = db_transact(req->db, run_step, &t);
    if (r == -EEXIST) {
        const char *at = constraint_pointer(req, t.constraint, "_key");
        if (noun && noun->taken)
            return problem_at(req, res, PROBLEM_CONFLICT, at, "%s", noun->taken);
        return problem_at(req, res, PROBLEM_CONFLICT, at, "another %s has this %s", noun ? noun->kind : "object",
                          *at ? at + 1 : "value");
    }
    if (r == -EBUSY) {
        const char *at = constraint_pointer(req, t.constraint, "_fkey");
        return problem_at(req, res, PROBLEM_INVALID, at, "there is no object with this id");
    }
    if (r == -EDOM)
        return problem_at(req, res, PROBLEM_INVALID, "", "the database refused a value (%.64s)",
                          db_constraint(req->db));
    return r;
}

static int check(struct request *req, struct response *res, const struct noun *noun, void *object)
{
    struct rec_errors errors = {0};
    if (noun->check)
        noun->check(req, object, &errors);
    return errors.n ? problem_fields(req, res, &errors) : 0;
}

static int create_step(struct request *req, struct response *res, const struct noun *noun, void *arg)
{
    void **object = arg, *given = *object = req->record;
    int r = noun->guard ? noun->guard(req, res, NULL, given) : 0;
    if (!r && noun->insert)
        r = noun->insert(req, given);
    else if (!r)
        r = db_run(req->db, noun->sql_insert, DB_RECORD(noun->rec, given), NULL);
    return r ? r : crud_written(req, noun, "create", NULL, object);
}

int crud_create(struct request *req, struct response *res)
{
    const struct noun *noun = noun_of(req->route->pattern);
    char id[ID_LEN_MAX];
    void *object = req->record;
    id_new(noun->prefix, clock_wall_ms(), id);
    noun_set_id(noun, object, id);
    int r = check(req, res, noun, object);
    if (!r)
        r = crud_transact(req, res, noun, create_step, &object);
    if (r)
        return r;
    response_headerf(res, "location", "%s/%s", noun->path, id);
    if (noun->created)
        noun->created(req->record, object);
    return crud_answer(res, noun, 201, object);
}

static int decode_patch(struct request *req, struct response *res, const struct noun *noun, void *object)
{
    struct rec_errors errors = {0};
    int r = rec_decode(noun->rec, REC_PATCH, req->body, req->body_len, req->arena, object, &errors);
    if (r == -EBADMSG)
        return problem_fields(req, res, &errors);
    return r ? r : check(req, res, noun, object);
}

static int patch_step(struct request *req, struct response *res, const struct noun *noun, void *arg)
{
    void *before, **object = arg;
    int r = crud_lock(req, res, noun, &before);
    if (r)
        return r;
    if (crud_refused_stale(req, res, noun, before))
        return PROBLEM;
    void *after = arena_memdup(req->arena, before, noun->rec->size);
    if (!after)
        return -ENOMEM;
    *object = after;
    r = decode_patch(req, res, noun, after);
    if (r || rec_equal(noun->rec, before, after))
        return r;
    r = noun->guard ? noun->guard(req, res, before, after) : 0;
    if (!r)
        r = db_run(req->db, noun->sql_update, DB_RECORD(noun->rec, after), NULL);
    return r ? r : crud_written(req, noun, "update", before, object);
}

int crud_patch(struct request *req, struct response *res)
{
    const struct noun *noun = noun_of(req->route->pattern);
    void *object;
    int r = crud_transact(req, res, noun, patch_step, &object);
    return r ? r : crud_answer(res, noun, 200, object);
}

static int referrers(struct request *req, struct response *res, const struct noun *noun)
{
    struct referrer *rows;
    size_t n;
    int r = db_all(req->db, noun->sql_referrers, DB_ARGS(DB_STR("id", req->args[0])), req->arena, (void **)&rows, &n);
    if (r || n == 0)
        return r;
    struct rec_errors errors = {0};
    for (size_t i = 0; i < n && i < REC_ERRORS_MAX; i++)
        rec_error_add(&errors, "", "%s %s (%.60s)", rows[i].kind, rows[i].id, rows[i].name);
    return problem_list(req, res, PROBLEM_REFERENCED, "delete or change these first", &errors);
}

static int delete_step(struct request *req, struct response *res, const struct noun *noun, void *arg)
{
    void *before;
    int r = crud_lock(req, res, noun, &before);
    if (r)
        return r;
    if (crud_refused_stale(req, res, noun, before))
        return PROBLEM;
    if (noun->sql_referrers != SQL_NONE)
        r = referrers(req, res, noun);
    if (!r && noun->guard)
        r = noun->guard(req, res, before, NULL);
    if (!r)
        r = db_run(req->db, noun->sql_delete, DB_ARGS(DB_STR("id", req->args[0])), NULL);
    if (!r)
        r = change_add(req->db, noun->kind, req->args[0], "deleted");
    if (!r)
        r = audit(req, &(struct audit_entry){.action = "delete",
                                             .kind = noun->kind,
                                             .object_id = req->args[0],
                                             .object_name = noun_name(noun, before),
                                             .rec = noun->rec,
                                             .before = before});
    return r;
}

int crud_delete(struct request *req, struct response *res)
{
    int r = crud_transact(req, res, noun_of(req->route->pattern), delete_step, NULL);
    if (!r)
        res->status = 204;
    return r;
}
