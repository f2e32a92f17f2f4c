/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Between records and PostgreSQL's text format: fields to parameters, columns to fields by name. Strict both ways:
 * a column without a field and a field without a column are errors.
 *
 *   STR text · INT bigint · BOOL boolean · ENUM text · TIME timestamptz (session in UTC, ISO) · BYTES bytea ·
 *   STRS text[] or jsonb · OBJ, LIST, JSON jsonb. Absent STR, TIME, BYTES, OBJ = NULL; STRS and LIST are never NULL.
 */
#pragma once
#include "server/db/db.h"
#include <libpq-fe.h>

/* Appends the text of field f of the record (or of the pair) for a parameter of that type; false when it is SQL
 * NULL. STRS may be text[] or jsonb. */
bool row_field_text(const struct rec_field *f, const void *record, Oid type, struct buf *out) MUSTCHECK;
bool row_arg_text(const struct db_arg *arg, Oid type, struct buf *out) MUSTCHECK;

/* Reads one row into out (r->size bytes). Returns 0, -EBADMSG (logged: says which column) or -ENOMEM. */
int row_read(const struct rec *r, const PGresult *res, int row, struct arena *a, void *out) MUSTCHECK;

/* Compares a result's (or a described statement's) columns with the record: names both ways and types. Appends one
 * line for each difference to why; returns true when there is none. */
bool row_check(const struct rec *r, const PGresult *res, struct buf *why);
