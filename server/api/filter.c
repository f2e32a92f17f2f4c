/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/filter.h"

static const char *skip_spaces(const char *s)
{
    return s + strspn(s, " ");
}

static const char *join(const char *const *fields, struct arena *a)
{
    const char *all = *fields ? *fields : "nothing";
    while (*fields && *++fields)
        all = arena_printf(a, "%s, %s", all ? all : "", *fields);
    return all ? all : "";
}

static bool listed(const char *name, const char *const *fields)
{
    while (*fields && !str_eq(*fields, name))
        fields++;
    return *fields != NULL;
}

/* Reads "..." with \" and \\ inside; returns what follows it, NULL when it is not closed. */
static const char *quoted(const char *s, struct arena *a, const char **value)
{
    char *out = arena_alloc(a, strlen(s));
    size_t n = 0;
    if (!out)
        return NULL;
    for (s++; *s && *s != '"'; s++) {
        if (*s == '\\' && (s[1] == '"' || s[1] == '\\'))
            s++;
        out[n++] = *s;
    }
    *value = out;
    return *s ? s + 1 : NULL;
}

static const char *bare(const char *s, struct arena *a, const char **value)
{
    size_t n = strcspn(s, " \"");
    *value = arena_strndup(a, s, n);
    return n && *value ? s + n : NULL;
}

static int parse_value(const char *s, struct arena *a, struct filter *out, const char **why)
{
    s = skip_spaces(s);
    const char *rest = *s == '"' ? quoted(s, a, &out->value) : bare(s, a, &out->value);
    if (!rest) {
        *why = "the filter needs a value, in double quotes when it has spaces";
        return -EINVAL;
    }
    if (*skip_spaces(rest)) {
        *why = "the filter may hold one comparison only, without `and`";
        return -EINVAL;
    }
    return 0;
}

int filter_parse(const char *text, const char *const *fields, struct arena *a, struct filter *out, const char **why)
{
    *out = (struct filter){0};
    const char *s = skip_spaces(text), *field = s;
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");
    s = skip_spaces(s + n);
    if (!(out->field = arena_strndup(a, field, n)) || !listed(out->field, fields)) {
        *why = arena_printf(a, "this list can be filtered by %s", join(fields, a));
        return -EINVAL;
    }
    if (*s != '=') {
        *why = "the only operator of a filter is = so far";
        return -EINVAL;
    }
    return parse_value(s + 1, a, out, why);
}
