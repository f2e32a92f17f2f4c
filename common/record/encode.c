/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "base/clock.h"
#include "record/field.h"
#include "record/json.h"
#include "record/value.h"
#include <inttypes.h>

static void new_line(struct buf *out, unsigned flags, int level)
{
    if (!(flags & REC_PRETTY))
        return;
    buf_putc(out, '\n');
    for (int i = 0; i < level; i++)
        buf_puts(out, "  ");
}

static void put_object(const struct rec *r, const void *in, unsigned flags, int level, struct buf *out);

static void put_bytes(const struct rec_bytes *b, struct buf *out)
{
    buf_putc(out, '"');
    buf_reserve(out, BASE64_LEN(b->len));
    base64_encode(b->p, b->len, out->data + out->len);
    out->len += BASE64_LEN(b->len) - 1;
    buf_putc(out, '"');
}

static void put_time(int64_t us, struct buf *out)
{
    char text[TIME_TEXT_LEN];
    time_format(us, text);
    json_string(out, text);
}

static void put_array(const struct rec_field *f, const void *in, unsigned flags, int level, struct buf *out)
{
    size_t n = field_count(f, in);
    const struct rec *r = f->extra;
    buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(out, ',');
        new_line(out, flags, level + 1);
        if (f->type == REC_STRS)
            json_string(out, field_strs(f, in)[i]);
        else
            put_object(r, field_objects(f, in) + i * r->size, flags, level + 1, out);
    }
    if (n)
        new_line(out, flags, level);
    buf_putc(out, ']');
}

static void put_enum(const struct rec_field *f, const void *in, struct buf *out)
{
    const char *const *names = f->extra;
    json_string(out, names[*(const int *)field_at(f, in)]);
}

static void put_value(const struct rec_field *f, const void *in, unsigned flags, int level, struct buf *out)
{
    switch (f->type) {
    case REC_STR:
        json_string(out, field_str(f, in));
        break;
    case REC_INT:
        buf_printf(out, "%" PRId64, field_int(f, in));
        break;
    case REC_BOOL:
        buf_puts(out, *(const bool *)field_at(f, in) ? "true" : "false");
        break;
    case REC_ENUM:
        put_enum(f, in, out);
        break;
    case REC_TIME:
        put_time(field_int(f, in), out);
        break;
    case REC_BYTES:
        put_bytes(field_bytes(f, in), out);
        break;
    case REC_STRS:
    case REC_LIST:
        put_array(f, in, flags, level, out);
        break;
    case REC_OBJ:
        put_object(f->extra, field_objects(f, in), flags, level, out);
        break;
    case REC_JSON:
        buf_puts(out, field_str(f, in));
        break;
    }
}

void rec_put_value(const struct rec_field *f, const void *in, unsigned flags, int level, struct buf *out)
{
    bool list = f->type == REC_STRS || f->type == REC_LIST;
    if (rec_absent(f, in))
        buf_puts(out, list ? "[]" : "null");
    else if (flags & REC_REDACT && f->flags & REC_SECRET)
        buf_puts(out, "\"***\"");
    else
        put_value(f, in, flags, level, out);
}

static void put_object(const struct rec *r, const void *in, unsigned flags, int level, struct buf *out)
{
    bool first = true;
    buf_putc(out, '{');
    for (const struct rec_field *f = r->fields; f < r->fields + r->n_fields; f++) {
        if (f->flags & REC_OMIT_EMPTY && rec_absent(f, in))
            continue;
        if (!first)
            buf_putc(out, ',');
        first = false;
        new_line(out, flags, level + 1);
        json_string(out, f->name);
        buf_puts(out, flags & REC_PRETTY ? ": " : ":");
        rec_put_value(f, in, flags, level + 1, out);
    }
    if (!first)
        new_line(out, flags, level);
    buf_putc(out, '}');
}

void rec_encode(const struct rec *r, const void *in, unsigned flags, struct buf *out)
{
    put_object(r, in, flags, 0, out);
}
