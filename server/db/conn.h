/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Insides of struct db, for the files of server/db only. */
#pragma once
#include "server/db/db.h"
#include <libpq-fe.h>

enum { DB_PARAMS_MAX = 64 };

struct db_prepared {
    bool done;
    Oid types[DB_PARAMS_MAX]; /* of the parameters, as the server inferred them */
};

struct db {
    char *conninfo;
    const struct db_table *table;
    struct db_prepared **prepared; /* by number of statement; NULL = not yet on this connection */
    PGconn *pg;
    bool in_transaction, changed;
    int64_t retry_at_ms, backoff_ms;
    uint64_t session;
    char sqlstate[6], constraint[64];
    void (*on_change)(void *arg);
    void *on_change_arg;
};

/* 0 when the result is good, else what it means as an errno; remembers state and constraint, closes a dead
 * connection. what: named in the log. */
int conn_result(struct db *db, const PGresult *res, const char *what) MUSTCHECK;
/* The connection is of no more use; the next db_ready() opens another. */
void conn_drop(struct db *db);
