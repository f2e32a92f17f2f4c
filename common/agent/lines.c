/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/lines.h"

void lines_init(struct lines *l, size_t max)
{
    *l = (struct lines){.max = max};
}

void lines_done(struct lines *l)
{
    buf_done(&l->part);
}

void lines_reset(struct lines *l)
{
    buf_reset(&l->part);
}

/* One piece that ends a line. */
static int finish(struct lines *l, const char *p, size_t n, int (*on_line)(void *, const char *, size_t), void *arg)
{
    if (!l->part.len)
        return n ? on_line(arg, p, n) : 0;
    buf_append(&l->part, p, n);
    int r = on_line(arg, l->part.data, l->part.len);
    buf_reset(&l->part);
    return r;
}

int lines_feed(struct lines *l, const char *p, size_t n, int (*on_line)(void *arg, const char *line, size_t len),
               void *arg)
{
    while (n) {
        const char *end = memchr(p, '\n', n);
        size_t k = end ? (size_t)(end - p) : n;
        if (k > l->max - l->part.len)
            return -EMSGSIZE;
        if (!end) {
            buf_append(&l->part, p, k);
            return 0;
        }
        int r = finish(l, p, k, on_line, arg);
        if (r)
            return r;
        p += k + 1;
        n -= k + 1;
    }
    return 0;
}
