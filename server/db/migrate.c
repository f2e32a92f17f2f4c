/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/db/migrate.h"
#include "base/log.h"
#include "base/str.h"
#include "server/db/conn.h"
#include <stdio.h>

/* The session lock waits for another node that is at it; long, because a migration may be. */
static const char begin_sql[] = "SET statement_timeout = 0; SET lock_timeout = 0;"
                                "SELECT pg_advisory_lock(7307199, 1)";
static const char end_sql[] = "SELECT pg_advisory_unlock(7307199, 1);"
                              "SET statement_timeout = '10s'; SET lock_timeout = '5s'";
static const char bootstrap_sql[] = "CREATE SCHEMA IF NOT EXISTS postern;"
                                    "CREATE TABLE IF NOT EXISTS postern.migrations ("
                                    " number int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
                                    " at timestamptz NOT NULL DEFAULT now())";
static const char applied_sql[] = "SELECT number, name, sha256 FROM postern.migrations ORDER BY number";
static const char exists_sql[] = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                                 " WHERE n.nspname = 'postern' AND c.relname = 'migrations'";
static const char record_sql[] = "INSERT INTO postern.migrations (number, name, sha256) VALUES ($1, $2, $3)";

static int query(struct db *db, const char *sql, PGresult **res)
{
    *res = PQexec(db->pg, sql);
    int r = conn_result(db, *res, "migrations");
    if (r) {
        PQclear(*res);
        *res = NULL;
    }
    return r;
}

/* What the database has must be a prefix of what the binary has, byte for byte. */
static int compare(const struct migration_table *table, const PGresult *res)
{
    for (int i = 0; i < PQntuples(res); i++) {
        const char *number = PQgetvalue(res, i, 0), *name = PQgetvalue(res, i, 1);
        if ((size_t)i >= table->n) {
            log_error("the database is newer than this program: it has migration %s (%s)", number, name);
            return -EPROTONOSUPPORT;
        }
        int64_t n;
        if (parse_i64(number, 0, INT32_MAX, &n) || n != table->list[i].number ||
            !str_eq(PQgetvalue(res, i, 2), table->list[i].sha256)) {
            log_error("migration %s (%s) of the database is not the one in this program", number, name);
            return -EPROTONOSUPPORT;
        }
    }
    return 0;
}

/* *n = migrations that ran before. */
static int count_applied(struct db *db, const struct migration_table *table, size_t *n)
{
    PGresult *res;
    *n = 0;
    int r = query(db, exists_sql, &res);
    if (r)
        return r;
    bool exists = PQntuples(res) > 0;
    PQclear(res);
    if (!exists)
        return 0;
    r = query(db, applied_sql, &res);
    if (r)
        return r;
    r = compare(table, res);
    *n = (size_t)PQntuples(res);
    PQclear(res);
    return r;
}

static int apply(struct db *db, void *arg)
{
    const struct migration *m = arg;
    char number[16];
    snprintf(number, sizeof(number), "%d", m->number);
    const char *values[] = {number, m->name, m->sha256};
    int r = db_exec(db, m->sql);
    if (r)
        return r;
    PGresult *res = PQexecParams(db->pg, record_sql, 3, NULL, values, NULL, NULL, 0);
    r = conn_result(db, res, m->name);
    PQclear(res);
    return r;
}

static int apply_rest(struct db *db, const struct migration_table *table, bool dry_run)
{
    size_t done;
    int r = dry_run ? 0 : db_exec(db, bootstrap_sql);
    if (!r)
        r = count_applied(db, table, &done);
    for (size_t i = r ? table->n : done; !r && i < table->n; i++) {
        struct migration m = table->list[i];
        log_info("migration %04d %s%s", m.number, m.name, dry_run ? " would run" : "");
        if (!dry_run)
            r = db_transact(db, apply, &m);
    }
    return r;
}

int migrate(struct db *db, const struct migration_table *table, bool dry_run)
{
    int r = db_ready(db);
    if (!r)
        r = db_exec(db, begin_sql);
    if (r)
        return r;
    r = apply_rest(db, table, dry_run);
    if (db->pg && db_exec(db, end_sql))
        conn_drop(db); /* ends the session and with it the lock */
    return r;
}
