/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/encode.h"
#include "record/field.h"
#include "record/json.h"
#include <cjson/cJSON.h>
#include <inttypes.h>

#define TIME_MAX_US INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */

struct decoder {
    struct arena *arena;
    struct rec_errors *errors;
    enum rec_mode mode;
    struct buf pointer; /* where we are */
    int result;
};

static void refuse_at(struct decoder *d, const char *why)
{
    rec_error_add(d->errors, buf_str(&d->pointer), "%s", why);
    d->result = d->result ? d->result : -EBADMSG;
}

static size_t enter(struct decoder *d, const char *name)
{
    size_t before = d->pointer.len;
    rec_pointer_add(&d->pointer, name, strlen(name));
    return before;
}

static size_t enter_index(struct decoder *d, size_t i)
{
    size_t before = d->pointer.len;
    buf_printf(&d->pointer, "/%zu", i);
    return before;
}

static void leave(struct decoder *d, size_t before)
{
    d->pointer.len = before;
    d->pointer.data[before] = '\0';
}

/* Remembers that the arena is full; NULL goes on to the caller. */
static void *checked(struct decoder *d, void *p)
{
    if (!p)
        d->result = -ENOMEM;
    return p;
}

static void refuse_bounds(struct decoder *d, const struct rec_field *f, const char *unit)
{
    BUF_AUTO why = {0};
    if (f->type == REC_INT)
        buf_printf(&why, "must be %" PRId64 " to %" PRId64, field_lo(f), field_hi(f));
    else if (!f->hi)
        buf_printf(&why, "must be at least %" PRId64 "%s", f->lo, unit);
    else if (f->lo == f->hi)
        buf_printf(&why, "must be %" PRId64 "%s", f->lo, unit);
    else
        buf_printf(&why, "must be %" PRId64 " to %" PRId64 "%s", f->lo, f->hi, unit);
    refuse_at(d, buf_str(&why));
}

static bool size_fits(struct decoder *d, const struct rec_field *f, size_t n, const char *unit)
{
    bool fits = (int64_t)n >= f->lo && (!f->hi || (int64_t)n <= f->hi);
    if (!fits)
        refuse_bounds(d, f, unit);
    return fits;
}

static bool format_fits(struct decoder *d, const struct rec_format *format, const char *s)
{
    if (!format || format->ok(s))
        return true;
    refuse_at(d, format->why);
    return false;
}

static bool is_string(struct decoder *d, const cJSON *node, const char *why)
{
    if (!cJSON_IsString(node))
        refuse_at(d, why);
    return cJSON_IsString(node);
}

static void decode_str(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    if (!is_string(d, node, "must be a string") || !size_fits(d, f, strlen(node->valuestring), " bytes long") ||
        !format_fits(d, f->extra, node->valuestring))
        return;
    *(const char **)(void *)(out + f->off) = checked(d, arena_strdup(d->arena, node->valuestring));
}

static void decode_int(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    if (!cJSON_IsNumber(node)) {
        refuse_at(d, "must be a whole number");
        return;
    }
    int64_t v = (int64_t)node->valuedouble; /* json_check() let only exact integers pass */
    if (v < field_lo(f) || v > field_hi(f))
        refuse_bounds(d, f, "");
    *(int64_t *)(void *)(out + f->off) = v;
}

static void decode_bool(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    if (!cJSON_IsBool(node))
        refuse_at(d, "must be true or false");
    *(bool *)(void *)(out + f->off) = cJSON_IsTrue(node);
}

static void decode_enum(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    const char *const *names = f->extra;
    for (int i = 0; cJSON_IsString(node) && names[i]; i++)
        if (str_eq(names[i], node->valuestring)) {
            *(int *)(void *)(out + f->off) = i;
            return;
        }
    BUF_AUTO why = {0};
    buf_puts(&why, "must be one of");
    for (int i = 0; names[i]; i++)
        buf_printf(&why, "%s %s", i ? "," : "", names[i]);
    refuse_at(d, buf_str(&why));
}

static void decode_time(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    static const char why[] = "must be an RFC 3339 time like 2026-11-20T08:00:00Z";
    int64_t us;
    if (!is_string(d, node, why))
        return;
    if (time_parse(node->valuestring, &us))
        refuse_at(d, why);
    else if (us <= 0 || us > TIME_MAX_US)
        refuse_at(d, "must be a time after 1970 and before 10000");
    else
        *(int64_t *)(void *)(out + f->off) = us;
}

static void decode_bytes(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    if (!is_string(d, node, "must be a string in base64"))
        return;
    size_t cap = strlen(node->valuestring) / 4 * 3 + 1, n;
    if (f->hi && cap > (size_t)f->hi + 3) {
        refuse_bounds(d, f, " bytes in base64");
        return;
    }
    uint8_t *p = checked(d, arena_alloc(d->arena, cap));
    if (!p)
        return;
    if (base64_decode(node->valuestring, p, cap, &n))
        refuse_at(d, "must be standard base64 with padding");
    else if (size_fits(d, f, n, " bytes in base64"))
        *(struct rec_bytes *)(void *)(out + f->off) = (struct rec_bytes){p, n};
}

/* Checks an array and its size; returns memory for its items of `size` bytes, or NULL. An empty list is the same as
 * none, as it is in answers. */
static void *array_new(struct decoder *d, const struct rec_field *f, const cJSON *node, size_t size)
{
    if (!cJSON_IsArray(node)) {
        refuse_at(d, "must be a list");
        return NULL;
    }
    size_t n = (size_t)cJSON_GetArraySize(node);
    bool fits = (!n && !(f->flags & REC_REQUIRED)) || size_fits(d, f, n, " items");
    return fits ? checked(d, arena_array(d->arena, n, size)) : NULL;
}

static void set_array(const struct rec_field *f, char *out, void *items, size_t n)
{
    *(void **)(void *)(out + f->off) = n ? items : NULL;
    *(size_t *)(void *)(out + f->off_count) = n;
}

static void decode_strs(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    const char **items = array_new(d, f, node, sizeof(*items));
    const cJSON *item;
    size_t n = 0;
    if (!items)
        return;
    cJSON_ArrayForEach(item, node)
    {
        size_t before = enter_index(d, n);
        if (is_string(d, item, "must be a string") && format_fits(d, f->extra, item->valuestring))
            items[n] = checked(d, arena_strdup(d->arena, item->valuestring));
        leave(d, before);
        n++;
    }
    set_array(f, out, items, n);
}

static void decode_object(struct decoder *d, const struct rec *r, const cJSON *node, char *out);

/* An object that is replaced as a whole: inside of a patch it is what a new one would be. */
static void decode_new(struct decoder *d, const struct rec *r, const cJSON *node, char *out)
{
    enum rec_mode mode = d->mode;
    d->mode = mode == REC_PATCH ? REC_CREATE : mode;
    decode_object(d, r, node, out);
    d->mode = mode;
}

static void decode_list(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    const struct rec *r = f->extra;
    char *items = array_new(d, f, node, r->size);
    const cJSON *item;
    size_t n = 0;
    if (!items)
        return;
    cJSON_ArrayForEach(item, node)
    {
        size_t before = enter_index(d, n);
        decode_new(d, r, item, items + n * r->size);
        leave(d, before);
        n++;
    }
    set_array(f, out, items, n);
}

static void decode_obj(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    const struct rec *r = f->extra;
    char **slot = (char **)(void *)(out + f->off), *old = d->mode == REC_PATCH ? *slot : NULL;
    char *object = checked(d, old ? arena_memdup(d->arena, old, r->size) : arena_alloc(d->arena, r->size));
    if (!object)
        return;
    if (old)
        decode_object(d, r, node, object);
    else
        decode_new(d, r, node, object);
    *slot = object;
}

/* cJSON's own printer turns large integers into exponents. */
static void put_node(const cJSON *node, struct buf *out)
{
    const cJSON *child;
    if (cJSON_IsString(node)) {
        json_string(out, node->valuestring);
    } else if (cJSON_IsNumber(node)) {
        buf_printf(out, "%" PRId64, (int64_t)node->valuedouble);
    } else if (cJSON_IsBool(node) || cJSON_IsNull(node)) {
        buf_puts(out, cJSON_IsNull(node) ? "null" : cJSON_IsTrue(node) ? "true" : "false");
    } else {
        bool object = cJSON_IsObject(node);
        buf_putc(out, object ? '{' : '[');
        cJSON_ArrayForEach(child, node)
        {
            if (child != node->child)
                buf_putc(out, ',');
            if (object) {
                json_string(out, child->string);
                buf_putc(out, ':');
            }
            put_node(child, out);
        }
        buf_putc(out, object ? '}' : ']');
    }
}

static void decode_json(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    BUF_AUTO text = {0};
    put_node(node, &text);
    if (size_fits(d, f, text.len, " bytes long"))
        *(const char **)(void *)(out + f->off) = checked(d, arena_strdup(d->arena, buf_str(&text)));
}

static void (*const decoders[])(struct decoder *, const struct rec_field *, const cJSON *, char *) = {
    [REC_STR] = decode_str,   [REC_INT] = decode_int,     [REC_BOOL] = decode_bool, [REC_ENUM] = decode_enum,
    [REC_TIME] = decode_time, [REC_BYTES] = decode_bytes, [REC_STRS] = decode_strs, [REC_OBJ] = decode_obj,
    [REC_LIST] = decode_list, [REC_JSON] = decode_json,
};

static void set_absent(const struct rec_field *f, char *out)
{
    static const size_t sizes[] = {
        [REC_STR] = sizeof(char *),  [REC_INT] = sizeof(int64_t),  [REC_BOOL] = sizeof(bool),
        [REC_ENUM] = sizeof(int),    [REC_TIME] = sizeof(int64_t), [REC_BYTES] = sizeof(struct rec_bytes),
        [REC_STRS] = sizeof(char *), [REC_OBJ] = sizeof(char *),   [REC_LIST] = sizeof(char *),
        [REC_JSON] = sizeof(char *),
    };
    memset(out + f->off, 0, sizes[f->type]);
    if (f->type == REC_STRS || f->type == REC_LIST)
        memset(out + f->off_count, 0, sizeof(size_t));
    if (f->type == REC_BOOL && f->flags & REC_DEFAULT_TRUE)
        *(bool *)(void *)(out + f->off) = true;
}

/* NULL when the request may set the field. */
static const char *why_not_settable(enum rec_mode mode, const struct rec_field *f)
{
    if (f->flags & REC_READONLY && (mode == REC_CREATE || mode == REC_PATCH))
        return "is set by the server";
    if (f->flags & REC_IMMUTABLE && mode == REC_PATCH)
        return "cannot be changed";
    return NULL;
}

static void decode_field(struct decoder *d, const struct rec_field *f, const cJSON *node, char *out)
{
    const char *why = why_not_settable(d->mode, f);
    if (why)
        refuse_at(d, why);
    else if (!cJSON_IsNull(node))
        decoders[f->type](d, f, node, out);
    else if (f->flags & REC_REQUIRED && d->mode != REC_STRICT)
        refuse_at(d, "is required");
    else
        set_absent(f, out);
}

static bool demanded(enum rec_mode mode, const struct rec_field *f)
{
    if (!(f->flags & REC_REQUIRED))
        return false;
    return mode == REC_AGENT || (mode == REC_CREATE && !(f->flags & REC_READONLY));
}

static void demand_required(struct decoder *d, const struct rec *r, const cJSON *node)
{
    for (const struct rec_field *f = r->fields; f < r->fields + r->n_fields; f++) {
        if (!demanded(d->mode, f) || cJSON_GetObjectItemCaseSensitive(node, f->name))
            continue;
        size_t before = enter(d, f->name);
        refuse_at(d, "is required");
        leave(d, before);
    }
}

static void decode_object(struct decoder *d, const struct rec *r, const cJSON *node, char *out)
{
    const cJSON *child;
    if (!cJSON_IsObject(node)) {
        refuse_at(d, "must be an object");
        return;
    }
    for (size_t i = 0; d->mode != REC_PATCH && i < r->n_fields; i++)
        set_absent(&r->fields[i], out);
    cJSON_ArrayForEach(child, node)
    {
        const struct rec_field *f = rec_find(r, child->string);
        size_t before = enter(d, child->string);
        if (f)
            decode_field(d, f, child, out);
        else if (d->mode != REC_AGENT)
            refuse_at(d, "unknown field");
        leave(d, before);
    }
    demand_required(d, r, node);
}

static int by_name(const void *x, const void *y)
{
    const cJSON *const *a = x, *const *b = y;
    return strcmp((*a)->string, (*b)->string);
}

static void refuse_duplicates_of(struct decoder *d, const cJSON *object)
{
    size_t n = (size_t)cJSON_GetArraySize(object), i = 0;
    const cJSON **children = n > 1 ? calloc(n, sizeof(*children)) : NULL, *child;
    if (!children) {
        if (n > 1)
            abort();
        return;
    }
    cJSON_ArrayForEach(child, object) children[i++] = child;
    qsort(children, n, sizeof(*children), by_name); /* a stranger chooses the keys: never worse than n log n */
    for (i = 1; i < n; i++) {
        if (by_name(&children[i - 1], &children[i]))
            continue;
        size_t before = enter(d, children[i]->string);
        refuse_at(d, "is given twice");
        leave(d, before);
    }
    free(children);
}

static void refuse_duplicates(struct decoder *d, const cJSON *node)
{
    const cJSON *child;
    size_t i = 0;
    if (cJSON_IsObject(node))
        refuse_duplicates_of(d, node);
    cJSON_ArrayForEach(child, node)
    {
        size_t before = child->string ? enter(d, child->string) : enter_index(d, i++);
        refuse_duplicates(d, child);
        leave(d, before);
    }
}

/* Checks the text, parses it and refuses duplicate keys. */
static cJSON *parse(struct decoder *d, const char *json, size_t len)
{
    /* cJSON takes its nodes from the heap: the arena's limit bounds how many there can be. */
    int r = json_check(json, len, d->arena->limit / sizeof(cJSON), d->errors);
    if (r) {
        d->result = r;
        return NULL;
    }
    cJSON *root = cJSON_ParseWithLength(json, len);
    if (root) {
        refuse_duplicates(d, root);
    } else { /* not known to happen after the scan; a stranger's text is no reason to end the process */
        d->errors->malformed = true;
        refuse_at(d, "not JSON");
    }
    return root;
}

int rec_decode(const struct rec *r, enum rec_mode mode, const char *json, size_t len, struct arena *a, void *out,
               struct rec_errors *errors)
{
    struct decoder d = {.arena = a, .errors = errors, .mode = mode};
    *errors = (struct rec_errors){0};
    char *work = checked(&d, mode == REC_PATCH ? arena_memdup(a, out, r->size) : arena_alloc(a, r->size));
    cJSON *root = work ? parse(&d, json, len) : NULL;
    if (root && !d.result)
        decode_object(&d, r, root, work);
    if (!d.result)
        memcpy(out, work, r->size);
    else if (mode != REC_PATCH)
        memset(out, 0, r->size);
    cJSON_Delete(root);
    buf_done(&d.pointer);
    return d.result;
}
