/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fields.h"
#include "base/clock.h"
#include "base/str.h"
#include "proto/nouns.h"

static const struct rec_field *find_with(const struct rec *r, const char *name, const char *ending)
{
    char full[64];
    size_t n = strlen(name);
    if (n + strlen(ending) >= sizeof(full))
        return NULL;
    memcpy(full, name, n);
    str_copy(full + n, sizeof(full) - n, ending);
    return rec_find(r, full);
}

const struct rec_field *field_find(const struct rec *r, const char *name)
{
    static const char *const endings[] = {"", "_id", "s", "es"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        const struct rec_field *f = find_with(r, name, endings[i]);
        bool list = f && (f->type == REC_STRS || f->type == REC_LIST);
        if (f && (i < 2 || list))
            return f;
    }
    return NULL;
}

static cJSON *checked(cJSON *node)
{
    if (!node)
        abort();
    return node;
}

static void add(cJSON *object, const char *name, cJSON *value)
{
    if (!cJSON_AddItemToObject(object, name, checked(value)))
        abort();
}

/* Parses "n" or "n-m" at s. */
static bool parse_ports(const char *s, uint64_t *first, uint64_t *last)
{
    char one[8];
    size_t n = strcspn(s, "-");
    if (n >= sizeof(one))
        return false;
    memcpy(one, s, n);
    one[n] = '\0';
    if (parse_u64(one, 1, 65535, first))
        return false;
    *last = *first;
    return !s[n] || !parse_u64(s + n + 1, *first, 65535, last);
}

cJSON *field_port(const char *text)
{
    size_t n = strcspn(text, "/");
    uint64_t first = 0, last = 0;
    if (text[n] && !parse_ports(text + n + 1, &first, &last))
        return NULL;
    for (const char *const *name = protocol_names; *name; name++) {
        if (strlen(*name) != n || memcmp(*name, text, n))
            continue;
        cJSON *port = checked(cJSON_CreateObject());
        add(port, "protocol", cJSON_CreateString(*name));
        if (text[n]) {
            add(port, "first", cJSON_CreateNumber((double)first));
            add(port, "last", cJSON_CreateNumber((double)last));
        }
        return port;
    }
    return NULL;
}

static int refuse(struct buf *why, const struct rec_field *f, const char *what)
{
    buf_printf(why, "%s: %s", f->name, what);
    return -EINVAL;
}

static int bool_value(const struct rec_field *f, const char *text, cJSON **out, struct buf *why)
{
    bool yes = str_eq(text, "true") || str_eq(text, "yes"), no = str_eq(text, "false") || str_eq(text, "no");
    if (!yes && !no)
        return refuse(why, f, "must be true or false");
    *out = checked(cJSON_CreateBool(yes));
    return 0;
}

static int int_value(const struct rec_field *f, const char *text, cJSON **out, struct buf *why)
{
    int64_t v;
    if (parse_i64(text, -REC_INT_MAX, REC_INT_MAX, &v))
        return refuse(why, f, "must be a whole number");
    *out = checked(cJSON_CreateNumber((double)v));
    return 0;
}

/* A time, or how long from now: 90d, 12h. */
static int time_value(const struct rec_field *f, const char *text, cJSON **out, struct buf *why)
{
    char absolute[TIME_TEXT_LEN];
    int64_t seconds, us;
    if (!duration_parse(text, &seconds)) {
        int64_t now = clock_wall_us();
        time_format(now - now % 1000000 + seconds * 1000000, absolute);
        text = absolute;
    } else if (time_parse(text, &us)) {
        return refuse(why, f, "must be a time like 2026-11-20T08:00:00Z or a span like 90d");
    }
    *out = checked(cJSON_CreateString(text));
    return 0;
}

static int item_value(const struct rec_field *f, const char *text, cJSON **out, struct buf *why)
{
    if (f->type == REC_STRS) {
        *out = checked(cJSON_CreateString(text));
        return 0;
    }
    *out = f->extra == &port_range_rec ? field_port(text) : NULL;
    if (!*out)
        return refuse(why, f,
                      f->extra == &port_range_rec ? "must be like tcp/443, udp/8000-8010, icmp or any"
                                                  : "can be given in a file only (-f)");
    return 0;
}

static int list_value(const struct rec_field *f, const char *text, cJSON **out, struct buf *why)
{
    BUF_AUTO copy = {0};
    int r = 0;
    buf_puts(&copy, text);
    *out = checked(cJSON_CreateArray());
    for (char *rest = copy.data, *part; !r && rest && (part = strsep(&rest, ","));) {
        cJSON *item = NULL;
        r = item_value(f, part, &item, why);
        if (!r)
            cJSON_AddItemToArray(*out, item);
    }
    if (r)
        cJSON_Delete(*out);
    return r;
}

int field_value(const struct rec_field *f, const char *text, cJSON **out, struct buf *why)
{
    bool list = f->type == REC_STRS || f->type == REC_LIST;
    if (!*text) {
        *out = checked(list ? cJSON_CreateArray() : cJSON_CreateNull());
        return 0;
    }
    if (list)
        return list_value(f, text, out, why);
    if (f->type == REC_BOOL)
        return bool_value(f, text, out, why);
    if (f->type == REC_INT)
        return int_value(f, text, out, why);
    if (f->type == REC_TIME)
        return time_value(f, text, out, why);
    if (f->type == REC_OBJ || f->type == REC_JSON)
        return refuse(why, f, "can be given in a file only (-f)");
    *out = checked(cJSON_CreateString(text));
    return 0;
}

static void move_items(cJSON *from, cJSON *to)
{
    for (cJSON *item; (item = cJSON_DetachItemFromArray(from, 0));)
        cJSON_AddItemToArray(to, item);
    cJSON_Delete(from);
}

static int refuse_unknown(const struct rec *r, const char *name, struct buf *why)
{
    size_t n = 0;
    buf_printf(why, "unknown field '%s'; there are", name);
    for (size_t i = 0; i < r->n_fields; i++)
        if (!(r->fields[i].flags & REC_READONLY))
            buf_printf(why, "%s %s", n++ ? "," : "", r->fields[i].name);
    if (!n)
        buf_puts(why, " none to set: only the server makes these");
    return -EINVAL;
}

int field_set(const struct rec *r, cJSON *object, const char *name, const char *text, struct buf *why)
{
    const struct rec_field *f = field_find(r, name);
    cJSON *value = NULL, *old;
    if (!f)
        return refuse_unknown(r, name, why);
    if (f->flags & REC_SECRET)
        return refuse(why, f, "secrets are never given as arguments");
    int result = field_value(f, text, &value, why);
    if (result)
        return result;
    old = cJSON_GetObjectItemCaseSensitive(object, f->name);
    if (old && cJSON_IsArray(old) && cJSON_IsArray(value)) {
        move_items(value, old);
    } else if (old) {
        cJSON_Delete(value);
        return refuse(why, f, "is given twice");
    } else {
        add(object, f->name, value);
    }
    return 0;
}
