/* SPDX-License-Identifier: Apache-2.0 */
/* What commands print: tables for people, JSON, YAML and names for scripts. Data goes to stdout only. */
#pragma once
#include "cli/cli.h"
#include "record/record.h"

enum cli_format { CLI_TABLE, CLI_WIDE, CLI_JSON, CLI_YAML, CLI_NAME };

/* For an option's arg and its value. */
#define CLI_FORMATS "table|wide|json|yaml|name"
enum cli_format cli_format_parse(const char *text); /* CLI_TABLE for NULL */

/* Aligned columns with a heading; a table owns copies of its cells. */
struct cli_table {
    size_t n_columns, n_cells;
    char **cells; /* row by row, the heading first */
};
void cli_table_init(struct cli_table *t, size_t n_columns);
void cli_table_done(struct cli_table *t);
/* Appends one cell; rows fill from left to right. NULL and "" show as "-". */
void cli_table_add(struct cli_table *t, const char *text);
void cli_table_print(const struct cli_table *t, struct buf *out);

/*
 * A list of records: the table shows the fields named in `columns` (NULL-terminated; `wide` adds more, NULL = all
 * fields), CLI_NAME prints the field `name`, one per line, CLI_JSON and CLI_YAML the whole records, a single one
 * without list. Secrets are shown: a command that prints a record wants it.
 */
struct cli_records {
    const struct rec *rec;
    const void *items;
    size_t n;
    bool single;
    const char *const *columns, *const *wide;
    const char *name; /* NULL = "name" or, where there is none, "id" */
    /* Text of a cell where the usual one does not suit; false = take the usual one. May be NULL. */
    bool (*cell)(const void *arg, const struct rec_field *f, const void *item, struct buf *out);
    const void *arg;
};
void cli_print_records(enum cli_format format, const struct cli_records *records, struct buf *out);

/* Text of a field for people: lists joined by commas, yes/no, local enum names. */
void cli_cell(const struct rec_field *f, const void *item, struct buf *out);
/* JSON text as indented JSON or as YAML (its strings quoted where they would read as something else). */
int cli_print_json(enum cli_format format, const char *json, size_t len, struct buf *out) MUSTCHECK;
/* Writes all of it to stdout; CLI_OK, or CLI_FAILURE when that failed. */
int cli_write(const struct buf *out) MUSTCHECK;
