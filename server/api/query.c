/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/query.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

const char *percent_decode(const char *s, size_t n, bool plus_is_space, struct arena *a)
{
    char *out = arena_alloc(a, n + 1);
    if (!out)
        return NULL;
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)s[i];
        if (c == '%') {
            if (n - i < 3 || hex_digit(s[i + 1]) < 0 || hex_digit(s[i + 2]) < 0)
                return NULL;
            c = hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f)
            return NULL;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return out;
}

static int add_param(const char *s, size_t n, struct arena *a, struct query *out, const char **why)
{
    if (out->n == QUERY_PARAMS_MAX) {
        *why = "too many query parameters";
        return -EINVAL;
    }
    const char *eq = memchr(s, '=', n);
    size_t name_len = eq ? (size_t)(eq - s) : n;
    struct query_param p = {
        .name = percent_decode(s, name_len, true, a),
        .value = eq ? percent_decode(eq + 1, n - name_len - 1, true, a) : "",
    };
    if (!p.name || !p.value) {
        *why = "the query is not properly percent-encoded";
        return -EINVAL;
    }
    if (query_get(out, p.name)) {
        *why = arena_printf(a, "the query parameter %.64s was given twice", p.name);
        return -EINVAL;
    }
    out->params[out->n++] = p;
    return 0;
}

int query_parse(const char *text, struct arena *a, struct query *out, const char **why)
{
    out->n = 0;
    while (text && *text) {
        size_t n = strcspn(text, "&");
        int r = n ? add_param(text, n, a, out, why) : 0;
        if (r)
            return r;
        text += n + (text[n] == '&');
    }
    return 0;
}

const char *query_get(const struct query *q, const char *name)
{
    for (size_t i = 0; i < q->n; i++)
        if (str_eq(q->params[i].name, name))
            return q->params[i].value;
    return NULL;
}

const char *query_unknown(const struct query *q, const char *const *known)
{
    for (size_t i = 0; i < q->n; i++) {
        const char *const *k = known;
        while (*k && !str_eq(*k, q->params[i].name))
            k++;
        if (!*k)
            return q->params[i].name;
    }
    return NULL;
}
