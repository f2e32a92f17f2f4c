/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The query string of a request, decoded into an arena: each name at most once, percent-encoding and UTF-8 strict. */
#pragma once
#include "base/arena.h"

enum { QUERY_PARAMS_MAX = 16 };

struct query_param {
    const char *name, *value;
};

struct query {
    struct query_param params[QUERY_PARAMS_MAX];
    size_t n;
};

/* text: without '?', NULL = empty. Returns 0 or -EINVAL with *why a sentence in the arena or static. */
int query_parse(const char *text, struct arena *a, struct query *out, const char **why) MUSTCHECK;
/* Value of a parameter, NULL when it was not given. */
const char *query_get(const struct query *q, const char *name);
/* The first parameter that is not in the NULL-terminated list, NULL when all are. */
const char *query_unknown(const struct query *q, const char *const *known);
/* %XX and, in queries, '+'; n bytes of s. NULL on bad encoding, NUL or control characters. */
const char *percent_decode(const char *s, size_t n, bool plus_is_space, struct arena *a);
