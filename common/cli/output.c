/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/str.h"
#include "cli/yaml.h"
#include "record/utf8.h"
#include "record/walk.h"
#include <inttypes.h>
#include <stdio.h>

enum cli_format cli_format_parse(const char *text)
{
    static const char *const names[] = {"table", "wide", "json", "yaml", "name"};
    for (size_t i = 0; text && i < ARRAY_LEN(names); i++)
        if (str_eq(text, names[i]))
            return (enum cli_format)i;
    return CLI_TABLE;
}

void cli_table_init(struct cli_table *t, size_t n_columns)
{
    *t = (struct cli_table){.n_columns = n_columns};
}

void cli_table_done(struct cli_table *t)
{
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct cli_table){0};
}

/* What a server sent must not move the cursor or colour the terminal. */
static char *printable(const char *text)
{
    BUF_AUTO out = {0};
    uint32_t c;
    for (size_t left = strlen(text), k; left; text += k, left -= k) {
        k = utf8_next(text, left, &c);
        if (!k || c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x202a && c <= 0x202e))
            buf_putc(&out, '?');
        else
            buf_append(&out, text, k);
        k = k ? k : 1;
    }
    return buf_take(&out);
}

void cli_table_add(struct cli_table *t, const char *text)
{
    char **cells = realloc(t->cells, (t->n_cells + 1) * sizeof(*cells));
    if (!cells)
        abort();
    t->cells = cells;
    t->cells[t->n_cells++] = printable(text && *text ? text : "-");
}

static size_t column_width(const struct cli_table *t, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < t->n_cells; i += t->n_columns)
        width = MAX(width, utf8_count(t->cells[i]));
    return width;
}

void cli_table_print(const struct cli_table *t, struct buf *out)
{
    size_t *widths = xalloc(t->n_columns * sizeof(*widths));
    for (size_t c = 0; c < t->n_columns; c++)
        widths[c] = column_width(t, c);
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t column = i % t->n_columns;
        buf_puts(out, t->cells[i]);
        if (column + 1 == t->n_columns) {
            buf_putc(out, '\n');
            continue;
        }
        for (size_t n = utf8_count(t->cells[i]); n < widths[column] + 2; n++)
            buf_putc(out, ' ');
    }
    free(widths);
}

/* --- records --- */

static void cell_list(const struct rec_field *f, const void *item, struct buf *out)
{
    const struct rec *r = f->extra;
    size_t n = *(const size_t *)(const void *)((const char *)item + f->off_count);
    const char *items = *(const char *const *)(const void *)((const char *)item + f->off);
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? "," : "");
        if (f->type == REC_STRS) {
            buf_puts(out, ((const char *const *)(const void *)items)[i]);
            continue;
        }
        for (size_t k = 0; k < r->n_fields; k++) {
            buf_puts(out, k ? "/" : "");
            cli_cell(&r->fields[k], items + i * r->size, out);
        }
    }
}

static void cell_time(int64_t us, struct buf *out)
{
    char text[TIME_TEXT_LEN];
    time_format(us - us % 1000000, text); /* nobody reads fractions in a table */
    buf_puts(out, text);
}

static void cell_bytes(const struct rec_bytes *b, struct buf *out)
{
    char *text = xalloc(BASE64_LEN(b->len));
    base64_encode(b->p, b->len, text);
    buf_puts(out, text);
    free(text);
}

void cli_cell(const struct rec_field *f, const void *item, struct buf *out)
{
    const void *at = (const char *)item + f->off;
    const char *const *names = f->extra;
    if (rec_absent(f, item))
        return;
    switch (f->type) {
    case REC_INT:
        buf_printf(out, "%" PRId64, *(const int64_t *)at);
        break;
    case REC_BOOL:
        buf_puts(out, *(const bool *)at ? "yes" : "no");
        break;
    case REC_ENUM:
        buf_puts(out, names[*(const int *)at]);
        break;
    case REC_TIME:
        cell_time(*(const int64_t *)at, out);
        break;
    case REC_BYTES:
        cell_bytes(at, out);
        break;
    case REC_STRS:
    case REC_LIST:
        cell_list(f, item, out);
        break;
    case REC_OBJ:
        rec_encode(f->extra, *(const void *const *)at, 0, out);
        break;
    case REC_STR:
    case REC_JSON:
        buf_puts(out, *(const char *const *)at);
        break;
    }
}

static const void *item_at(const struct cli_records *r, size_t i)
{
    return (const char *)r->items + i * r->rec->size;
}

static void put_cell(const struct cli_records *r, const struct rec_field *f, const void *item, struct buf *out)
{
    buf_reset(out);
    if (!r->cell || !r->cell(r->arg, f, item, out))
        cli_cell(f, item, out);
}

/* Fields of the columns in their order; out has room for n_fields of both lists. */
static size_t choose_fields(const struct cli_records *r, bool wide, const struct rec_field **out)
{
    const char *const *const lists[] = {r->columns, wide ? r->wide : NULL};
    size_t n = 0;
    for (size_t i = 0; !r->columns && i < r->rec->n_fields; i++)
        out[n++] = &r->rec->fields[i];
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        for (const char *const *name = lists[k]; name && *name; name++) {
            const struct rec_field *f = rec_find(r->rec, *name);
            if (f && n < 2 * r->rec->n_fields)
                out[n++] = f;
        }
    return n;
}

static void put_heading(const struct rec_field *f, struct cli_table *t)
{
    char name[64];
    str_copy(name, sizeof(name), f->name);
    for (char *p = name; *p; p++)
        *p = *p == '_' ? ' ' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    cli_table_add(t, name);
}

static void print_table(const struct cli_records *r, bool wide, struct buf *out)
{
    const struct rec_field **fields = xalloc(2 * r->rec->n_fields * sizeof(*fields));
    size_t n = choose_fields(r, wide, fields);
    BUF_AUTO cell = {0};
    struct cli_table t;
    cli_table_init(&t, n);
    for (size_t c = 0; c < n; c++)
        put_heading(fields[c], &t);
    for (size_t i = 0; i < r->n; i++)
        for (size_t c = 0; c < n; c++) {
            put_cell(r, fields[c], item_at(r, i), &cell);
            cli_table_add(&t, buf_str(&cell));
        }
    cli_table_print(&t, out);
    cli_table_done(&t);
    free(fields);
}

static void print_names(const struct cli_records *r, struct buf *out)
{
    const struct rec_field *f = rec_find(r->rec, r->name ? r->name : "name");
    BUF_AUTO cell = {0};
    f = f ? f : rec_find(r->rec, "id");
    for (size_t i = 0; f && i < r->n; i++) {
        put_cell(r, f, item_at(r, i), &cell);
        buf_printf(out, "%s\n", buf_str(&cell));
    }
}

static void encode_all(const struct cli_records *r, struct buf *out)
{
    if (!r->single)
        buf_putc(out, '[');
    for (size_t i = 0; i < r->n; i++) {
        buf_puts(out, i ? "," : "");
        rec_encode(r->rec, item_at(r, i), 0, out);
    }
    if (!r->single)
        buf_putc(out, ']');
}

int cli_print_json(enum cli_format format, const char *json, size_t len, struct buf *out)
{
    if (format == CLI_YAML)
        return yaml_from_json(json, len, out);
    int r = json_pretty(json, len, out);
    buf_putc(out, '\n');
    return r;
}

void cli_print_records(enum cli_format format, const struct cli_records *r, struct buf *out)
{
    BUF_AUTO json = {0};
    if (format == CLI_NAME) {
        print_names(r, out);
    } else if (format == CLI_TABLE || format == CLI_WIDE) {
        print_table(r, format == CLI_WIDE, out);
    } else {
        encode_all(r, &json);
        if (cli_print_json(format, buf_str(&json), json.len, out))
            abort(); /* our own encoding is JSON */
    }
}

int cli_write(const struct buf *out)
{
    if (fwrite(buf_str(out), 1, out->len, stdout) == out->len && !fflush(stdout))
        return CLI_OK;
    perror("stdout");
    return CLI_FAILURE;
}
