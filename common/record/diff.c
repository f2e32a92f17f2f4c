/* SPDX-License-Identifier: Apache-2.0 */
/* What a record's fields hold compared: absence, equality, differences. */
#include "record/field.h"
#include "record/json.h"
#include "record/value.h"

const struct rec_field *rec_find(const struct rec *r, const char *name)
{
    for (const struct rec_field *f = r->fields; f < r->fields + r->n_fields; f++)
        if (str_eq(f->name, name))
            return f;
    return NULL;
}

bool rec_absent(const struct rec_field *f, const void *in)
{
    switch (f->type) {
    case REC_BOOL:
    case REC_ENUM:
        return false;
    case REC_INT:
        return field_zero_is_absent(f) && !field_int(f, in);
    case REC_TIME:
        return !field_int(f, in);
    case REC_BYTES:
        return !field_bytes(f, in)->p;
    case REC_STRS:
    case REC_LIST:
        return !field_count(f, in);
    case REC_STR:
    case REC_OBJ:
    case REC_JSON:
        break;
    }
    return !field_str(f, in);
}

static bool strs_equal(const struct rec_field *f, const void *x, const void *y)
{
    for (size_t i = 0; i < field_count(f, x); i++)
        if (!str_eq(field_strs(f, x)[i], field_strs(f, y)[i]))
            return false;
    return true;
}

static bool list_equal(const struct rec_field *f, const void *x, const void *y)
{
    const struct rec *r = f->extra;
    for (size_t i = 0; i < field_count(f, x); i++)
        if (!rec_equal(r, field_objects(f, x) + i * r->size, field_objects(f, y) + i * r->size))
            return false;
    return true;
}

static bool bytes_equal(const struct rec_bytes *x, const struct rec_bytes *y)
{
    return x->len == y->len && !memcmp(x->p, y->p, x->len);
}

static bool field_equal(const struct rec_field *f, const void *x, const void *y)
{
    if (rec_absent(f, x) || rec_absent(f, y))
        return rec_absent(f, x) == rec_absent(f, y);
    switch (f->type) {
    case REC_BOOL:
        return *(const bool *)field_at(f, x) == *(const bool *)field_at(f, y);
    case REC_ENUM:
        return *(const int *)field_at(f, x) == *(const int *)field_at(f, y);
    case REC_INT:
    case REC_TIME:
        return field_int(f, x) == field_int(f, y);
    case REC_BYTES:
        return bytes_equal(field_bytes(f, x), field_bytes(f, y));
    case REC_STRS:
        return field_count(f, x) == field_count(f, y) && strs_equal(f, x, y);
    case REC_LIST:
        return field_count(f, x) == field_count(f, y) && list_equal(f, x, y);
    case REC_OBJ:
        return rec_equal(f->extra, field_objects(f, x), field_objects(f, y));
    case REC_STR:
    case REC_JSON:
        break;
    }
    return str_eq(field_str(f, x), field_str(f, y));
}

bool rec_equal(const struct rec *r, const void *x, const void *y)
{
    for (const struct rec_field *f = r->fields; f < r->fields + r->n_fields; f++)
        if (!field_equal(f, x, y))
            return false;
    return true;
}

/* A record that is not there has no value in any field. */
static bool differs(const struct rec_field *f, const void *before, const void *after)
{
    if (before && after)
        return !field_equal(f, before, after);
    return (before && !rec_absent(f, before)) || (after && !rec_absent(f, after));
}

static void put_side(const struct rec_field *f, const void *side, struct buf *out)
{
    if (side)
        rec_put_value(f, side, REC_REDACT, 0, out);
    else
        buf_puts(out, "null");
}

void rec_diff(const struct rec *r, const void *before, const void *after, struct buf *out)
{
    bool first = true;
    buf_putc(out, '{');
    for (const struct rec_field *f = r->fields; f < r->fields + r->n_fields; f++) {
        if (!differs(f, before, after))
            continue;
        if (!first)
            buf_putc(out, ',');
        first = false;
        json_string(out, f->name);
        buf_puts(out, ":{\"before\":");
        put_side(f, before, out);
        buf_puts(out, ",\"after\":");
        put_side(f, after, out);
        buf_putc(out, '}');
    }
    buf_putc(out, '}');
}
