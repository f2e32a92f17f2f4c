/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/db/conn.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include <poll.h>
#include <stdatomic.h>
#include <time.h>

enum { BACKOFF_FIRST_MS = 20, BACKOFF_MAX_MS = 250, TRANSACT_TRIES = 5 };

/* What every session relies on; see row.h for the formats. */
static const char session_setup[] = "SET search_path = '';"
                                    "SET client_encoding = 'UTF8';"
                                    "SET TimeZone = 'UTC';"
                                    "SET DateStyle = 'ISO';"
                                    "SET bytea_output = 'hex';"
                                    "SET statement_timeout = '10s';"
                                    "SET lock_timeout = '5s';"
                                    "SET idle_in_transaction_session_timeout = '30s'";

/* What the newest attempt of any connection of this process found: said once, and once it is back for one of them
 * nobody waits for the end of a pause. */
static atomic_bool away;

static void on_notice(void *arg, const char *message)
{
    log_debug("database: %s", message);
}

struct db *db_new(const char *conninfo, const struct db_table *table)
{
    struct db *db = xalloc(sizeof(*db));
    db->conninfo = str_dup(conninfo);
    db->table = table;
    if (table)
        db->prepared = xalloc(table->n * sizeof(struct db_prepared *));
    return db;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    conn_drop(db);
    free(db->prepared);
    free(db->conninfo);
    free(db);
}

void conn_drop(struct db *db)
{
    for (size_t i = 0; db->table && i < db->table->n; i++) {
        free(db->prepared[i]);
        db->prepared[i] = NULL;
    }
    PQfinish(db->pg);
    db->pg = NULL;
    db->changed = false;
}

static int gone(struct db *db, const char *why)
{
    if (!atomic_exchange(&away, true))
        log_warn("database is away: %.*s", (int)strcspn(why, "\n"), why);
    conn_drop(db);
    db->backoff_ms = db->backoff_ms ? MIN(db->backoff_ms * 2, BACKOFF_MAX_MS) : BACKOFF_FIRST_MS;
    db->retry_at_ms = clock_boot_ms() + db->backoff_ms;
    return -ENOTCONN;
}

static int conn_open(struct db *db)
{
    if (atomic_load(&away) && clock_boot_ms() < db->retry_at_ms)
        return -ENOTCONN;
    /* tcp_user_timeout: a database behind a silent network is gone after 10 s, not after the kernel's minutes. */
    const char *keys[] = {"dbname", "connect_timeout", "tcp_user_timeout", "fallback_application_name", NULL};
    const char *values[] = {db->conninfo, "5", "10000", "posternd", NULL};
    db->pg = PQconnectdbParams(keys, values, 1);
    if (PQstatus(db->pg) != CONNECTION_OK)
        return gone(db, PQerrorMessage(db->pg));
    PQsetNoticeProcessor(db->pg, on_notice, NULL);
    PGresult *res = PQexec(db->pg, session_setup);
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    PQclear(res);
    if (!ok)
        return gone(db, PQerrorMessage(db->pg));
    if (atomic_exchange(&away, false))
        log_info("database is back");
    db->session++;
    db->backoff_ms = db->retry_at_ms = 0;
    return 0;
}

/* A server that went away has closed the socket: seen here instead of in the middle of a request. */
static bool conn_alive(struct db *db)
{
    struct pollfd p = {.fd = PQsocket(db->pg), .events = POLLIN};
    if (PQstatus(db->pg) != CONNECTION_OK)
        return false;
    if (poll(&p, 1, 0) > 0 && !PQconsumeInput(db->pg))
        return false;
    return PQstatus(db->pg) == CONNECTION_OK;
}

int db_ready(struct db *db)
{
    if (db->in_transaction)
        return db->pg ? 0 : -ENOTCONN;
    if (db->pg && conn_alive(db))
        return 0;
    conn_drop(db);
    return conn_open(db);
}

uint64_t db_session(const struct db *db)
{
    return db->session;
}

int db_wait(struct db *db, int wake_fd, int64_t timeout_ms)
{
    struct pollfd p[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = PQsocket(db->pg), .events = POLLIN}};
    if (!db->pg)
        return -ENOTCONN;
    if (poll(p, ARRAY_LEN(p), (int)timeout_ms) < 0 && errno != EINTR)
        return -errno;
    if (!PQconsumeInput(db->pg))
        return gone(db, PQerrorMessage(db->pg));
    for (PGnotify *n; (n = PQnotifies(db->pg));)
        PQfreemem(n);
    return 0;
}

static int exec_text(struct db *db, const char *sql, const char *what)
{
    PGresult *res = PQexec(db->pg, sql);
    int r = conn_result(db, res, what);
    PQclear(res);
    return r;
}

static int begin(struct db *db, const char *sql)
{
    int r = db->in_transaction ? -EINVAL : db_ready(db);
    if (!r)
        r = exec_text(db, sql, "begin");
    db->in_transaction = !r;
    db->changed = false;
    return r;
}

int db_begin(struct db *db)
{
    return begin(db, "BEGIN");
}

int db_begin_snapshot(struct db *db)
{
    return begin(db, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
}

int db_commit(struct db *db)
{
    if (!db->in_transaction)
        return -EINVAL;
    db->in_transaction = false;
    if (!db->pg)
        return -ENOTCONN;
    PGresult *res = PQexec(db->pg, "COMMIT");
    int r = conn_result(db, res, "commit");
    /* COMMIT of a transaction that failed before answers ROLLBACK, which libpq counts as success. */
    if (!r && !str_eq(PQcmdStatus(res), "COMMIT"))
        r = -EIO;
    PQclear(res);
    if (!r && db->changed && db->on_change)
        db->on_change(db->on_change_arg);
    db->changed = false;
    return r;
}

void db_rollback(struct db *db)
{
    if (!db->in_transaction)
        return;
    db->in_transaction = db->changed = false;
    if (db->pg && exec_text(db, "ROLLBACK", "rollback"))
        conn_drop(db);
}

bool db_in_transaction(const struct db *db)
{
    return db->in_transaction;
}

static int transact_once(struct db *db, int (*fn)(struct db *db, void *arg), void *arg)
{
    int r = db_begin(db);
    if (r)
        return r;
    r = fn(db, arg);
    if (!r)
        return db_commit(db);
    db_rollback(db);
    return r;
}

int db_transact(struct db *db, int (*fn)(struct db *db, void *arg), void *arg)
{
    int r = -EAGAIN;
    for (int try = 0; try < TRANSACT_TRIES; try++) {
        r = transact_once(db, fn, arg);
        if (r != -EAGAIN)
            break;
        struct timespec pause = {.tv_nsec = (long)rng_below(5000000u << try)};
        nanosleep(&pause, NULL);
    }
    return r;
}

void db_set_on_change(struct db *db, void (*fn)(void *arg), void *arg)
{
    db->on_change = fn;
    db->on_change_arg = arg;
}

void db_note_change(struct db *db)
{
    db->changed = true;
    if (!db->in_transaction && db->on_change)
        db->on_change(db->on_change_arg);
}

int db_exec(struct db *db, const char *sql)
{
    int r = db_ready(db);
    return r ? r : exec_text(db, sql, "exec");
}

const char *db_constraint(const struct db *db)
{
    return db->constraint;
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

/* --- errors --- */

/* PostgreSQL, appendix A. The longest match wins, so classes come last. */
static const struct {
    const char *state;
    int error;
} meanings[] = {
    {"23505", -EEXIST},   {"23P01", -EEXIST},   {"23503", -EBUSY},     {"23514", -EDOM},      {"23502", -EDOM},
    {"40001", -EAGAIN},   {"40P01", -EAGAIN},   {"57014", -ETIMEDOUT}, {"55P03", -ETIMEDOUT}, {"57P01", -ENOTCONN},
    {"57P02", -ENOTCONN}, {"57P03", -ENOTCONN}, {"57P05", -ENOTCONN},  {"25P03", -ENOTCONN},  {"25006", -ENOTCONN},
    {"08", -ENOTCONN},    {"53", -ENOTCONN},    {"58", -ENOTCONN},
};

static int meaning(const char *state)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if (str_starts(state, meanings[i].state))
            return meanings[i].error;
    return -EIO;
}

static bool good(const PGresult *res)
{
    ExecStatusType s = PQresultStatus(res);
    return s == PGRES_TUPLES_OK || s == PGRES_COMMAND_OK || s == PGRES_EMPTY_QUERY;
}

int conn_result(struct db *db, const PGresult *res, const char *what)
{
    if (good(res))
        return 0; /* what the last failure said stays: a rollback comes before anybody asks */
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
    str_copy(db->sqlstate, sizeof(db->sqlstate), state ? state : "");
    str_copy(db->constraint, sizeof(db->constraint), constraint ? constraint : "");
    /* libpq makes a result without a state when the connection broke. */
    int r = state ? meaning(state) : -ENOTCONN;
    if (r == -EIO)
        log_error("database: %s: %s", what, PQresultErrorMessage(res));
    if (r == -ENOTCONN || PQstatus(db->pg) != CONNECTION_OK) {
        r = gone(db, PQresultErrorMessage(res));
        db->retry_at_ms = db->backoff_ms = 0; /* it was there a moment ago: one attempt at once */
    }
    return r;
}
