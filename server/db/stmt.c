/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/log.h"
#include "base/str.h"
#include "server/db/conn.h"
#include "server/db/row.h"

static const struct db_arg *find_arg(const struct db_args *args, const char *name)
{
    for (size_t i = 0; i < args->n; i++)
        if (str_eq(args->v[i].name, name))
            return &args->v[i];
    return NULL;
}

/* Texts lie one after another in `text`; offsets, because it moves while it grows. */
struct binding {
    struct buf text;
    size_t at[DB_PARAMS_MAX];
    bool null[DB_PARAMS_MAX];
    const char *values[DB_PARAMS_MAX];
};

static int bind_one(const struct db_stmt *stmt, size_t i, Oid type, const struct db_args *args, struct binding *b)
{
    const char *name = stmt->params[i];
    const struct db_arg *arg = find_arg(args, name);
    const struct rec_field *field = arg || !args->rec ? NULL : rec_find(args->rec, name);
    if (!arg && !field) {
        log_error("database: %s: nothing to bind to :%s", stmt->name, name);
        return -EIO;
    }
    b->at[i] = b->text.len;
    if (arg)
        b->null[i] = !row_arg_text(arg, type, &b->text);
    else
        b->null[i] = !row_field_text(field, args->record, type, &b->text);
    buf_putc(&b->text, '\0');
    return 0;
}

static int bind_all(const struct db_stmt *stmt, const struct db_prepared *p, const struct db_args *args,
                    struct binding *b)
{
    for (size_t i = 0; i < stmt->n_params; i++) {
        int r = bind_one(stmt, i, p->types[i], args, b);
        if (r)
            return r;
    }
    for (size_t i = 0; i < stmt->n_params; i++)
        b->values[i] = b->null[i] ? NULL : b->text.data + b->at[i];
    return 0;
}

static int describe(struct db *db, const struct db_stmt *stmt, struct db_prepared *p)
{
    PGresult *res = PQdescribePrepared(db->pg, stmt->name);
    int r = conn_result(db, res, stmt->name);
    for (size_t i = 0; !r && i < stmt->n_params; i++)
        p->types[i] = PQparamtype(res, (int)i);
    PQclear(res);
    return r;
}

static int prepare(struct db *db, size_t sql)
{
    const struct db_stmt *stmt = &db->table->stmts[sql];
    if (db->prepared[sql])
        return 0;
    if (stmt->n_params > DB_PARAMS_MAX)
        return -EINVAL;
    PGresult *res = PQprepare(db->pg, stmt->name, stmt->text, 0, NULL);
    int r = conn_result(db, res, stmt->name);
    PQclear(res);
    if (r)
        return r;
    struct db_prepared *p = xalloc(sizeof(*p));
    r = describe(db, stmt, p);
    if (r || !db->pg) {
        free(p);
        return r ? r : -ENOTCONN;
    }
    db->prepared[sql] = p;
    return 0;
}

/* On success *res is to be cleared by the caller. */
static int execute(struct db *db, size_t sql, const struct db_args *args, PGresult **res)
{
    if (!db->table || sql >= db->table->n)
        return -EINVAL;
    const struct db_stmt *stmt = &db->table->stmts[sql];
    int r = db_ready(db);
    if (!r)
        r = prepare(db, sql);
    if (r)
        return r;
    struct binding b;
    b.text = (struct buf){0};
    r = bind_all(stmt, db->prepared[sql], args, &b);
    if (!r) {
        *res = PQexecPrepared(db->pg, stmt->name, (int)stmt->n_params, b.values, NULL, NULL, 0);
        r = conn_result(db, *res, stmt->name);
        if (r)
            PQclear(*res);
    }
    buf_done(&b.text);
    return r;
}

int db_run(struct db *db, size_t sql, const struct db_args *args, int64_t *n_affected)
{
    PGresult *res;
    int r = execute(db, sql, args, &res);
    if (r)
        return r;
    if (n_affected && parse_i64(PQcmdTuples(res), 0, INT64_MAX, n_affected))
        *n_affected = 0;
    PQclear(res);
    return 0;
}

static int rows_read(const struct db_stmt *stmt, const PGresult *res, struct arena *a, void *out)
{
    for (int i = 0; i < PQntuples(res); i++) {
        int r = row_read(stmt->rows, res, i, a, (char *)out + (size_t)i * stmt->rows->size);
        if (r)
            return r == -EBADMSG ? -EIO : r;
    }
    return 0;
}

int db_one(struct db *db, size_t sql, const struct db_args *args, struct arena *a, void *out)
{
    PGresult *res;
    int r = execute(db, sql, args, &res);
    if (r)
        return r;
    const struct db_stmt *stmt = &db->table->stmts[sql];
    if (!stmt->rows || PQntuples(res) > 1) {
        log_error("database: %s: not a statement for one row", stmt->name);
        r = -EIO;
    } else {
        r = PQntuples(res) ? rows_read(stmt, res, a, out) : -ENOENT;
    }
    PQclear(res);
    return r;
}

int db_all(struct db *db, size_t sql, const struct db_args *args, struct arena *a, void **out, size_t *n)
{
    PGresult *res;
    *out = NULL;
    *n = 0;
    int r = execute(db, sql, args, &res);
    if (r)
        return r;
    const struct db_stmt *stmt = &db->table->stmts[sql];
    if (!stmt->rows) {
        log_error("database: %s: returns no rows", stmt->name);
        r = -EIO;
    } else {
        void *rows = arena_array(a, (size_t)PQntuples(res), stmt->rows->size);
        r = rows ? rows_read(stmt, res, a, rows) : -ENOMEM;
        *out = r ? NULL : rows;
        *n = r ? 0 : (size_t)PQntuples(res);
    }
    PQclear(res);
    return r;
}
