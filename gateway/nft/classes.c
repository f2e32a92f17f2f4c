/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nft/classes.h"
#include "base/map.h"
#include "base/str.h"

bool mark_is_ours(uint32_t mark)
{
    return mark > MARK_TAG && mark <= MARK_LAST;
}

void class_table_done(struct class_table *t)
{
    free(t->boxes);
    *t = (struct class_table){0};
}

void class_table_add(struct class_table *t, uint32_t mark, const struct nft_box *box)
{
    if ((t->n_boxes & (t->n_boxes - 1)) == 0) {
        t->boxes = realloc(t->boxes, MAX(t->n_boxes * 2, (size_t)1) * sizeof(*t->boxes));
        if (!t->boxes)
            abort();
    }
    t->boxes[t->n_boxes++] = (struct class_box){.mark = mark, .box = *box};
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static uint64_t ranges(const struct nft_box *b)
{
    return (uint64_t)b->protocol_first << 40 | (uint64_t)b->protocol_last << 32 | (uint64_t)b->port_first << 16 |
           b->port_last;
}

static int by_box(const struct nft_box *a, const struct nft_box *b)
{
    int c = net_prefix_compare(a->prefix, b->prefix);
    return c ? c : order(ranges(a), ranges(b));
}

static int by_mark(const void *x, const void *y)
{
    const struct class_box *a = x, *b = y;
    int c = order(a->mark, b->mark);
    return c ? c : by_box(&a->box, &b->box);
}

void class_table_sort(struct class_table *t)
{
    if (t->n_boxes > 1)
        qsort(t->boxes, t->n_boxes, sizeof(*t->boxes), by_mark);
}

/* First box of a mark, or where it would be. */
static size_t find(const struct class_table *t, uint32_t mark)
{
    size_t lo = 0, hi = t->n_boxes;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t->boxes[mid].mark < mark)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool class_table_has(const struct class_table *t, uint32_t mark)
{
    size_t at = find(t, mark);
    return at < t->n_boxes && t->boxes[at].mark == mark;
}

/* Content of sorted boxes as bytes. Padding would make equal boxes differ, so fields are written one by one. */
static void content(const struct class_box *boxes, size_t n, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < n; i++) {
        uint64_t r = ranges(&boxes[i].box);
        buf_append(out, &boxes[i].box.prefix.addr.hi, sizeof(uint64_t));
        buf_append(out, &boxes[i].box.prefix.addr.lo, sizeof(uint64_t));
        buf_append(out, &boxes[i].box.prefix.bits, 1);
        buf_append(out, &r, sizeof(r));
    }
}

static void index_by_content(const struct class_table *now, struct map *index)
{
    BUF_AUTO key = {0};
    for (size_t i = 0, n; i < now->n_boxes; i += n) {
        for (n = 1; i + n < now->n_boxes && now->boxes[i + n].mark == now->boxes[i].mark;)
            n++;
        content(&now->boxes[i], n, &key);
        map_set_bytes(index, key.data, key.len, &now->boxes[i]);
    }
}

static int assign(const struct map *index, struct nft_class *class, uint32_t *high, struct class_table *next)
{
    struct class_table own = {0};
    BUF_AUTO key = {0};
    for (size_t i = 0; i < class->n_boxes; i++)
        class_table_add(&own, 0, &class->boxes[i]);
    class_table_sort(&own);
    content(own.boxes, own.n_boxes, &key);
    const struct class_box *known = own.n_boxes > 0 ? map_get_bytes(index, key.data, key.len) : NULL;
    class_table_done(&own);
    if (!known && *high >= MARK_LAST)
        return -ENOSPC;
    class->mark = known ? known->mark : ++*high;
    for (size_t i = 0; i < class->n_boxes; i++)
        class_table_add(next, class->mark, &class->boxes[i]);
    return 0;
}

int classes_assign(const struct class_table *now, struct nft_class *classes, size_t n, uint32_t *high,
                   struct class_table *next)
{
    struct map index = {0};
    int r = 0;
    index_by_content(now, &index);
    for (size_t i = 0; i < n && r == 0; i++)
        r = assign(&index, &classes[i], high, next);
    map_done(&index);
    class_table_sort(next);
    return r;
}
