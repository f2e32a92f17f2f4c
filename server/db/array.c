/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/db/array.h"
#include "base/str.h"

void array_format(const char *const *v, size_t n, struct buf *out)
{
    buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? ",\"" : "\"");
        for (const char *p = v[i]; *p; p++) {
            if (*p == '"' || *p == '\\')
                buf_putc(out, '\\');
            buf_putc(out, *p);
        }
        buf_putc(out, '"');
    }
    buf_putc(out, '}');
}

/* One element into item; *s is left behind it. */
static int element(const char **s, struct buf *item)
{
    const char *p = *s;
    bool quoted = *p == '"';
    buf_reset(item);
    for (p += quoted; *p && (quoted ? *p != '"' : *p != ',' && *p != '}'); p++) {
        if (!quoted && (*p == '"' || *p == '{'))
            return -EINVAL;
        if (*p == '\\' && !*++p)
            return -EINVAL;
        buf_putc(item, *p);
    }
    if (quoted && *p++ != '"')
        return -EINVAL;
    if (!quoted && (!item->len || str_eq(buf_str(item), "NULL")))
        return -EINVAL;
    *s = p;
    return 0;
}

/* Upper bound: every element but the last is followed by a comma. */
static size_t most_elements(const char *s)
{
    size_t n = 1;
    for (; *s; s++)
        n += *s == ',';
    return n;
}

static int elements(const char *s, struct arena *a, const char **list, size_t *n)
{
    BUF_AUTO item = {0};
    for (;;) {
        int r = element(&s, &item);
        if (r)
            return r;
        if (!(list[*n] = arena_strdup(a, buf_str(&item))))
            return -ENOMEM;
        (*n)++;
        if (*s == '}')
            return s[1] ? -EINVAL : 0;
        if (*s++ != ',')
            return -EINVAL;
    }
}

int array_parse(const char *s, struct arena *a, const char ***v, size_t *n)
{
    *n = 0;
    if (!(*v = arena_array(a, most_elements(s), sizeof(char *))))
        return -ENOMEM;
    if (str_eq(s, "{}"))
        return 0;
    return *s == '{' ? elements(s + 1, a, *v, n) : -EINVAL;
}
