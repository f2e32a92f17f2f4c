/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Forward-only migrations, embedded from migrations/NNNN_name.sql. Each runs in its own transaction together with
 * its row in postern.migrations (number, name, checksum). One session at a time, by an advisory lock.
 */
#pragma once
#include "server/db/db.h"

struct migration {
    int number;
    const char *name, *sha256, *sql;
};
struct migration_table {
    const struct migration *list;
    size_t n;
};
extern const struct migration_table migration_table;

/* Brings the database up to date, or with dry_run only logs what would run. Returns 0; -ENOTCONN; -EPROTONOSUPPORT
 * when the database is newer than this binary or a migration that ran differs from the embedded one; -EIO. */
int migrate(struct db *db, const struct migration_table *table, bool dry_run) MUSTCHECK;
