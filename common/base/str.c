/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

int parse_u64(const char *s, uint64_t lo, uint64_t hi, uint64_t *out)
{
    uint64_t v = 0;
    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
            return -EINVAL;
    }
    if (v < lo || v > hi)
        return -EINVAL;
    *out = v;
    return 0;
}

int parse_i64(const char *s, int64_t lo, int64_t hi, int64_t *out)
{
    uint64_t v;
    bool neg = *s == '-';
    if (parse_u64(s + neg, 0, INT64_MAX, &v))
        return -EINVAL;
    int64_t n = neg ? -(int64_t)v : (int64_t)v;
    if (n < lo || n > hi)
        return -EINVAL;
    *out = n;
    return 0;
}

bool str_copy(char *dst, size_t cap, const char *src)
{
    size_t n = strlen(src);
    bool fits = n < cap;
    n = fits ? n : cap - 1;
    memcpy(dst, src, n);
    dst[n] = '\0';
    return fits;
}

bool str_starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n >= k && str_eq(s + n - k, suffix);
}

char *str_dup(const char *s)
{
    if (!s)
        return NULL;
    char *copy = strdup(s);
    if (!copy)
        abort();
    return copy;
}

void *xalloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        abort();
    return p;
}

bool bytes_eq_ct(const void *a, const void *b, size_t n)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char diff = 0;
    for (size_t i = 0; i < n; i++)
        diff = (unsigned char)(diff | (x[i] ^ y[i]));
    return diff == 0;
}
