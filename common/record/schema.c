/* SPDX-License-Identifier: Apache-2.0 */
/* JSON schema (draft 2020-12, as OpenAPI 3.1 uses it) from the same lists: what it refuses, the decoder
 * refuses. */
#include "base/encode.h"
#include "record/field.h"
#include "record/json.h"
#include <inttypes.h>

static void put_schema(const struct rec *r, enum rec_mode mode, struct buf *out);

/* In answers a field is null when it is absent; in requests null is the same as leaving it out. */
static bool nullable(const struct rec_field *f, enum rec_mode mode)
{
    bool list = f->type == REC_STRS || f->type == REC_LIST;
    if (f->flags & REC_REQUIRED || f->type == REC_JSON)
        return false;
    if (mode != REC_STRICT)
        return true;
    if (f->type == REC_INT)
        return field_zero_is_absent(f);
    return !list && f->type != REC_BOOL && f->type != REC_ENUM;
}

static void put_type(const char *type, bool null, struct buf *out)
{
    if (null)
        buf_printf(out, "\"type\":[\"%s\",\"null\"]", type);
    else
        buf_printf(out, "\"type\":\"%s\"", type);
}

static void put_bound(const char *name, int64_t v, struct buf *out)
{
    buf_printf(out, ",\"%s\":%" PRId64, name, v);
}

static void put_format(const struct rec_format *format, struct buf *out)
{
    if (!format)
        return;
    if (format->name) {
        buf_puts(out, ",\"format\":");
        json_string(out, format->name);
    }
    if (format->pattern) {
        buf_puts(out, ",\"pattern\":");
        json_string(out, format->pattern);
    }
}

/* Our bounds count bytes, the schema's count characters of up to four. */
static void put_str(const struct rec_field *f, struct buf *out)
{
    if (f->lo)
        put_bound("minLength", (f->lo + 3) / 4, out);
    if (f->hi)
        put_bound("maxLength", f->hi, out);
    put_format(f->extra, out);
}

static void put_bytes(const struct rec_field *f, struct buf *out)
{
    buf_puts(out, ",\"contentEncoding\":\"base64\"");
    if (f->lo)
        put_bound("minLength", (f->lo + 2) / 3 * 4, out);
    if (f->hi)
        put_bound("maxLength", (f->hi + 2) / 3 * 4, out);
}

static void put_enum(const struct rec_field *f, bool null, struct buf *out)
{
    const char *const *names = f->extra;
    buf_puts(out, ",\"enum\":[");
    for (size_t i = 0; names[i]; i++) {
        if (i)
            buf_putc(out, ',');
        json_string(out, names[i]);
    }
    buf_puts(out, null ? ",null]" : "]");
}

static void put_array(const struct rec_field *f, enum rec_mode mode, struct buf *out)
{
    if (f->lo && f->flags & REC_REQUIRED)
        put_bound("minItems", f->lo, out);
    if (f->hi)
        put_bound("maxItems", f->hi, out);
    buf_puts(out, ",\"items\":");
    if (f->type == REC_LIST) {
        put_schema(f->extra, mode == REC_PATCH ? REC_CREATE : mode, out);
        return;
    }
    buf_puts(out, "{\"type\":\"string\"");
    put_format(f->extra, out);
    buf_putc(out, '}');
}

static void put_default(const struct rec_field *f, enum rec_mode mode, struct buf *out)
{
    const char *const *names = f->extra;
    if (mode != REC_CREATE || f->flags & REC_REQUIRED)
        return;
    if (f->type == REC_BOOL)
        buf_printf(out, ",\"default\":%s", f->flags & REC_DEFAULT_TRUE ? "true" : "false");
    if (f->type == REC_ENUM) {
        buf_puts(out, ",\"default\":");
        json_string(out, names[0]);
    }
}

static void put_scalar(const struct rec_field *f, enum rec_mode mode, struct buf *out)
{
    static const char *const types[] = {
        [REC_STR] = "string",  [REC_INT] = "integer",  [REC_BOOL] = "boolean", [REC_ENUM] = "string",
        [REC_TIME] = "string", [REC_BYTES] = "string", [REC_STRS] = "array",   [REC_LIST] = "array",
    };
    bool null = nullable(f, mode);
    put_type(types[f->type], null, out);
    if (f->type == REC_STR)
        put_str(f, out);
    else if (f->type == REC_BYTES)
        put_bytes(f, out);
    else if (f->type == REC_ENUM)
        put_enum(f, null, out);
    else if (f->type == REC_TIME)
        buf_puts(out, ",\"format\":\"date-time\"");
    else if (f->type == REC_STRS || f->type == REC_LIST)
        put_array(f, mode, out);
    if (f->type == REC_INT) {
        put_bound("minimum", field_lo(f), out);
        put_bound("maximum", field_hi(f), out);
    }
    put_default(f, mode, out);
    buf_putc(out, ',');
}

static void put_field(const struct rec_field *f, enum rec_mode mode, struct buf *out)
{
    bool null = nullable(f, mode);
    json_string(out, f->name);
    buf_puts(out, ":{");
    if (f->type == REC_OBJ) {
        buf_puts(out, null ? "\"anyOf\":[{\"type\":\"null\"}," : "\"allOf\":[");
        put_schema(f->extra, mode, out);
        buf_puts(out, "],");
    } else if (f->type != REC_JSON) {
        put_scalar(f, mode, out);
    }
    if (f->flags & REC_READONLY)
        buf_puts(out, "\"readOnly\":true,");
    if (f->flags & REC_SECRET && mode != REC_STRICT)
        buf_puts(out, "\"writeOnly\":true,");
    buf_puts(out, "\"description\":");
    json_string(out, f->doc);
    buf_putc(out, '}');
}

static bool listed(const struct rec_field *f, enum rec_mode mode)
{
    if (mode == REC_PATCH)
        return !(f->flags & (REC_READONLY | REC_IMMUTABLE));
    return mode != REC_CREATE || !(f->flags & REC_READONLY);
}

static bool required(const struct rec_field *f, enum rec_mode mode)
{
    if (mode == REC_PATCH || !listed(f, mode))
        return false;
    return mode == REC_STRICT ? !(f->flags & REC_OMIT_EMPTY) : (f->flags & REC_REQUIRED) != 0;
}

/* Appends the fields that `pick` chooses, separated by commas. */
static void put_each(const struct rec *r, enum rec_mode mode, bool (*pick)(const struct rec_field *, enum rec_mode),
                     void (*put)(const struct rec_field *, enum rec_mode, struct buf *), struct buf *out)
{
    bool first = true;
    for (const struct rec_field *f = r->fields; f < r->fields + r->n_fields; f++) {
        if (!pick(f, mode))
            continue;
        if (!first)
            buf_putc(out, ',');
        first = false;
        put(f, mode, out);
    }
}

static void put_name(const struct rec_field *f, enum rec_mode mode, struct buf *out)
{
    json_string(out, f->name);
}

static void put_schema(const struct rec *r, enum rec_mode mode, struct buf *out)
{
    buf_puts(out, "{\"type\":\"object\",\"additionalProperties\":");
    buf_puts(out, mode == REC_AGENT ? "true" : "false");
    buf_puts(out, ",\"properties\":{");
    put_each(r, mode, listed, put_field, out);
    buf_puts(out, "},\"required\":[");
    put_each(r, mode, required, put_name, out);
    buf_puts(out, "]}");
}

void rec_schema(const struct rec *r, enum rec_mode mode, struct buf *out)
{
    put_schema(r, mode, out);
}
