/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/db/row.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/str.h"
#include "server/db/array.h"

/* pg_type.dat: these numbers never change. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_TEXT = 25,
    OID_VARCHAR = 1043,
    OID_TIMESTAMPTZ = 1184,
    OID_TEXT_ARRAY = 1009,
    OID_JSONB = 3802
};

/* --- records to parameters --- */

static bool put_time(int64_t us, struct buf *out)
{
    char text[TIME_TEXT_LEN];
    if (!us)
        return false;
    time_format(us, text);
    buf_puts(out, text);
    return true;
}

static bool put_bytes(struct rec_bytes b, struct buf *out)
{
    if (!b.p)
        return false;
    buf_puts(out, "\\x");
    buf_reserve(out, HEX_LEN(b.len));
    hex_encode(b.p, b.len, out->data + out->len);
    out->len += 2 * b.len;
    return true;
}

static bool put_text(const char *s, struct buf *out)
{
    if (s)
        buf_puts(out, s);
    return s != NULL;
}

/* One field as JSON, by way of a record that has only this field. */
static bool put_json(const struct rec_field *f, const void *record, struct buf *out)
{
    struct rec_field alone = *f;
    alone.name = "v";
    alone.flags = 0;
    struct rec one = {"column", 0, 1, &alone};
    BUF_AUTO text = {0};
    if (f->type == REC_OBJ && !*(void *const *)(const void *)((const char *)record + f->off))
        return false;
    rec_encode(&one, record, 0, &text);
    buf_append(out, text.data + strlen("{\"v\":"), text.len - strlen("{\"v\":}"));
    return true;
}

bool row_field_text(const struct rec_field *f, const void *record, Oid type, struct buf *out)
{
    const void *p = (const char *)record + f->off;
    switch (f->type) {
    case REC_STR:
    case REC_JSON:
        return put_text(*(const char *const *)p, out);
    case REC_INT:
        buf_printf(out, "%lld", (long long)*(const int64_t *)p);
        return true;
    case REC_BOOL:
        return put_text(*(const bool *)p ? "t" : "f", out);
    case REC_ENUM:
        return put_text(((const char *const *)f->extra)[*(const int *)p], out);
    case REC_TIME:
        return put_time(*(const int64_t *)p, out);
    case REC_BYTES:
        return put_bytes(*(const struct rec_bytes *)p, out);
    case REC_STRS:
        if (type == OID_JSONB)
            return put_json(f, record, out);
        array_format(*(const char *const *const *)p,
                     *(const size_t *)(const void *)((const char *)record + f->off_count), out);
        return true;
    case REC_OBJ:
    case REC_LIST:
        return put_json(f, record, out);
    }
    return false;
}

bool row_arg_text(const struct db_arg *arg, Oid type, struct buf *out)
{
    switch (arg->type) {
    case DB_T_NULL:
        return false;
    case DB_T_STR:
        return put_text(arg->str, out);
    case DB_T_INT:
        buf_printf(out, "%lld", (long long)arg->i);
        return true;
    case DB_T_BOOL:
        return put_text(arg->i ? "t" : "f", out);
    case DB_T_TIME:
        return put_time(arg->i, out);
    case DB_T_BYTES:
        return put_bytes(arg->bytes, out);
    case DB_T_STRS:
        array_format(arg->strs.v, arg->strs.n, out);
        return true;
    }
    return false;
}

/* --- rows to records --- */

/* "2026-11-20 10:22:45.123456+00", as ISO style in UTC prints it */
static int get_time(const char *s, int64_t *us)
{
    char text[48];
    size_t n = strlen(s);
    if (n < sizeof("2026-11-20 10:22:45+00") - 1 || n + sizeof(":00") > sizeof(text) || s[10] != ' ')
        return -EINVAL;
    str_copy(text, sizeof(text), s);
    text[10] = 'T';
    str_copy(text + n, sizeof(text) - n, ":00");
    return time_parse(text, us);
}

static int get_bytes(const char *s, struct arena *a, struct rec_bytes *out)
{
    if (!str_starts(s, "\\x"))
        return -EINVAL;
    size_t n = (strlen(s) - 2) / 2, got;
    uint8_t *p = arena_alloc(a, n);
    if (!p)
        return -ENOMEM;
    int r = hex_decode(s + 2, p, n, &got);
    *out = (struct rec_bytes){p, n};
    return r;
}

static int get_enum(const char *s, const char *const *names, int *out)
{
    for (int i = 0; names[i]; i++)
        if (str_eq(names[i], s)) {
            *out = i;
            return 0;
        }
    return -EINVAL;
}

static int get_json(const struct rec_field *f, const char *s, struct arena *a, void *record, size_t record_size)
{
    struct rec_field alone = *f;
    alone.name = "v";
    alone.flags = 0;
    struct rec one = {"column", record_size, 1, &alone};
    struct rec_errors errors = {0};
    BUF_AUTO text = {0};
    buf_printf(&text, "{\"v\":%s}", s);
    /* Decoding clears the whole record first: decode into a copy and take the one field. */
    void *copy = arena_alloc(a, record_size);
    int r = copy ? rec_decode(&one, REC_AGENT, text.data, text.len, a, copy, &errors) : -ENOMEM;
    if (r)
        return r;
    memcpy((char *)record + f->off, (char *)copy + f->off, sizeof(void *));
    if (f->type != REC_OBJ)
        memcpy((char *)record + f->off_count, (char *)copy + f->off_count, sizeof(size_t));
    return 0;
}

static int get_field(const struct rec *r, const struct rec_field *f, const char *s, struct arena *a, void *record)
{
    void *p = (char *)record + f->off;
    switch (f->type) {
    case REC_STR:
    case REC_JSON:
        return (*(const char **)p = arena_strdup(a, s)) ? 0 : -ENOMEM;
    case REC_INT:
        return parse_i64(s, INT64_MIN, INT64_MAX, p);
    case REC_BOOL:
        *(bool *)p = str_eq(s, "t");
        return str_eq(s, "t") || str_eq(s, "f") ? 0 : -EINVAL;
    case REC_ENUM:
        return get_enum(s, f->extra, p);
    case REC_TIME:
        return get_time(s, p);
    case REC_BYTES:
        return get_bytes(s, a, p);
    case REC_STRS:
        if (*s != '[')
            return array_parse(s, a, p, (size_t *)(void *)((char *)record + f->off_count));
        return get_json(f, s, a, record, r->size);
    case REC_OBJ:
    case REC_LIST:
        return get_json(f, s, a, record, r->size);
    }
    return -EINVAL;
}

static int read_column(const struct rec *r, const struct rec_field *f, const PGresult *res, int row, struct arena *a,
                       void *out)
{
    int column = PQfnumber(res, f->name), err;
    if (column < 0) {
        log_error("database: no column for %s.%s", r->name, f->name);
        return -EBADMSG;
    }
    if (PQgetisnull(res, row, column)) {
        /* A list without a value is an error of the schema; a required field without one too. */
        if (!(f->flags & REC_REQUIRED) && f->type != REC_STRS && f->type != REC_LIST)
            return 0;
        err = -EINVAL;
    } else {
        err = get_field(r, f, PQgetvalue(res, row, column), a, out);
    }
    if (err && err != -ENOMEM) {
        log_error("database: column %s does not fit record %s", f->name, r->name);
        err = -EBADMSG;
    }
    return err;
}

int row_read(const struct rec *r, const PGresult *res, int row, struct arena *a, void *out)
{
    memset(out, 0, r->size);
    if ((size_t)PQnfields(res) != r->n_fields) {
        log_error("database: %d columns for the %zu fields of %s", PQnfields(res), r->n_fields, r->name);
        return -EBADMSG;
    }
    for (size_t i = 0; i < r->n_fields; i++) {
        int err = read_column(r, &r->fields[i], res, row, a, out);
        if (err)
            return err;
    }
    return 0;
}

/* --- comparison for the tests --- */

static bool type_fits(enum rec_type type, Oid oid)
{
    switch (type) {
    case REC_STR:
        return oid == OID_TEXT || oid == OID_VARCHAR || oid == OID_NAME;
    case REC_INT:
        return oid == OID_INT8;
    case REC_BOOL:
        return oid == OID_BOOL;
    case REC_ENUM:
        return oid == OID_TEXT;
    case REC_TIME:
        return oid == OID_TIMESTAMPTZ;
    case REC_BYTES:
        return oid == OID_BYTEA;
    case REC_STRS:
        return oid == OID_TEXT_ARRAY || oid == OID_JSONB;
    case REC_OBJ:
    case REC_LIST:
    case REC_JSON:
        return oid == OID_JSONB;
    }
    return false;
}

bool row_check(const struct rec *r, const PGresult *res, struct buf *why)
{
    size_t before = why->len;
    for (int i = 0; i < PQnfields(res); i++) {
        const struct rec_field *f = rec_find(r, PQfname(res, i));
        if (!f)
            buf_printf(why, "column %s has no field in %s\n", PQfname(res, i), r->name);
        else if (!type_fits(f->type, PQftype(res, i)))
            buf_printf(why, "%s.%s: column has type %u\n", r->name, f->name, PQftype(res, i));
    }
    for (size_t i = 0; i < r->n_fields; i++)
        if (PQfnumber(res, r->fields[i].name) < 0)
            buf_printf(why, "%s.%s has no column\n", r->name, r->fields[i].name);
    return why->len == before;
}
