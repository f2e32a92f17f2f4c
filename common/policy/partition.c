/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/partition.h"
#include "base/encode.h"
#include "base/str.h"
#include "policy/shape.h"
#include <stdio.h>

static const char CLASS_DOMAIN[] = "postern/class/1";

/* A prefix that some box names. Nodes are in preorder of their tree: a parent comes right before its subtree. */
struct node {
    struct net_prefix prefix;
    uint32_t parent;           /* POLICY_PARENT_NONE for a root */
    size_t subtree_end;        /* index after the last descendant */
    size_t covers, covers_end; /* boxes with exactly this prefix */
    size_t cells, cells_end;   /* what is cut above the addresses of this node that no child has */
};

enum { POLICY_PARENT_NONE = UINT32_MAX };

struct partition_index {
    struct node *nodes;
    size_t n_nodes;
    struct buf cells;    /* struct shape_cell of all nodes */
    uint32_t *set_class; /* set number -> class */
    struct interner sets;
    struct policy_class *classes;
    struct policy_box *boxes; /* of all classes */
};

/* Addresses above which one set has one shape. */
struct piece {
    uint32_t set, shape;
    struct net_prefix prefix;
};

struct builder {
    struct partition_index *index;
    struct policy_cover *covers; /* sorted by prefix */
    size_t n_covers;
    struct interner shapes;
    struct buf pieces;
    policy_hash *hash;
};

/* IPv4 before IPv6: numerically an IPv6 prefix may lie around IPv4, but it never contains it. */
static int prefix_compare(struct net_prefix a, struct net_prefix b)
{
    bool v4 = net_prefix_is_v4(a);
    if (v4 != net_prefix_is_v4(b))
        return v4 ? -1 : 1;
    return net_prefix_compare(a, b);
}

static int cover_compare(const void *x, const void *y)
{
    const struct policy_cover *a = x, *b = y;
    return prefix_compare(a->box.prefix, b->box.prefix);
}

static void make_nodes(struct builder *b)
{
    struct partition_index *ix = b->index;
    ix->nodes = xalloc((b->n_covers + 1) * sizeof(*ix->nodes));
    uint32_t top = POLICY_PARENT_NONE;
    for (size_t i = 0; i < b->n_covers;) {
        struct node *node = &ix->nodes[ix->n_nodes];
        node->prefix = b->covers[i].box.prefix;
        while (top != POLICY_PARENT_NONE && !net_prefix_covers(ix->nodes[top].prefix, node->prefix)) {
            ix->nodes[top].subtree_end = ix->n_nodes;
            top = ix->nodes[top].parent;
        }
        node->parent = top;
        top = (uint32_t)ix->n_nodes++;
        for (node->covers = i; i < b->n_covers && net_prefix_eq(b->covers[i].box.prefix, node->prefix); i++)
            ;
        node->covers_end = i;
    }
    for (; top != POLICY_PARENT_NONE; top = ix->nodes[top].parent)
        ix->nodes[top].subtree_end = ix->n_nodes;
}

static void cut_node(struct builder *b, struct node *node)
{
    struct partition_index *ix = b->index;
    BUF_AUTO found = {0};
    for (const struct node *up = node;; up = &ix->nodes[up->parent]) {
        for (size_t i = up->covers; i < up->covers_end; i++) {
            const struct policy_cover *cover = &b->covers[i];
            buf_append(&found, &cover, sizeof(cover));
        }
        if (up->parent == POLICY_PARENT_NONE)
            break;
    }
    node->cells = ix->cells.len / sizeof(struct shape_cell);
    shape_cut((const struct policy_cover *const *)(const void *)found.data, found.len / sizeof(void *), &ix->sets,
              &ix->cells);
    node->cells_end = ix->cells.len / sizeof(struct shape_cell);
}

static struct net_prefix upper_half(struct net_prefix p)
{
    struct net_prefix half = {p.addr, (uint8_t)(p.bits + 1)};
    if (p.bits < 64)
        half.addr.hi |= UINT64_C(1) << (63 - p.bits);
    else
        half.addr.lo |= UINT64_C(1) << (127 - p.bits);
    return half;
}

/*
 * Appends the prefixes of p that lie in none of the nodes lo..hi-1, all of which are within p. What an IPv6 prefix
 * has in ::ffff:0:0/96 is left out: as a prefix of its own it would mean IPv4.
 */
static void uncovered(const struct partition_index *ix, bool v4, struct net_prefix p, size_t lo, size_t hi,
                      struct buf *out)
{
    if (!v4 && net_prefix_is_v4(p))
        return;
    if (lo == hi) {
        buf_append(out, &p, sizeof(p));
        return;
    }
    if (net_prefix_eq(ix->nodes[lo].prefix, p))
        return;
    struct net_prefix lower = {p.addr, (uint8_t)(p.bits + 1)}, upper = upper_half(p);
    size_t from = lo, to = hi;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (net_addr_compare(ix->nodes[mid].prefix.addr, upper.addr) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    uncovered(ix, v4, lower, lo, from, out);
    uncovered(ix, v4, upper, from, hi, out);
}

static bool set_seen_before(const struct shape_cell *cells, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (cells[k].set == cells[i].set)
            return true;
    return false;
}

static void add_pieces(struct builder *b, size_t number)
{
    const struct partition_index *ix = b->index;
    const struct node *node = &ix->nodes[number];
    const struct shape_cell *cells = (const struct shape_cell *)(const void *)ix->cells.data + node->cells;
    size_t n_cells = node->cells_end - node->cells;
    BUF_AUTO region = {0};
    uncovered(ix, net_prefix_is_v4(node->prefix), node->prefix, number + 1, node->subtree_end, &region);
    const struct net_prefix *prefixes = (const struct net_prefix *)(const void *)region.data;
    for (size_t i = 0; i < n_cells; i++) {
        BUF_AUTO shape = {0};
        if (set_seen_before(cells, i))
            continue;
        shape_of_set(cells, n_cells, cells[i].set, &shape);
        struct piece piece = {.set = cells[i].set, .shape = interner_add(&b->shapes, shape.data, shape.len)};
        for (size_t k = 0; k < region.len / sizeof(*prefixes); k++) {
            piece.prefix = prefixes[k];
            buf_append(&b->pieces, &piece, sizeof(piece));
        }
    }
}

static int piece_compare(const void *x, const void *y)
{
    const struct piece *a = x, *b = y;
    if (a->set != b->set)
        return a->set < b->set ? -1 : 1;
    if (a->shape != b->shape)
        return a->shape < b->shape ? -1 : 1;
    return prefix_compare(a->prefix, b->prefix);
}

static bool siblings(const struct piece *a, const struct piece *b)
{
    unsigned bits = a->prefix.bits;
    return a->set == b->set && a->shape == b->shape && bits == b->prefix.bits && net_prefix_len(a->prefix) > 0 &&
           net_prefix_is_v4(a->prefix) == net_prefix_is_v4(b->prefix) &&
           net_prefix_eq(net_prefix_of(a->prefix.addr, bits - 1), net_prefix_of(b->prefix.addr, bits - 1));
}

/* Two halves of a prefix with the same shape become that prefix, so that the result depends on the points only. */
static size_t merge_pieces(struct piece *pieces, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        pieces[kept++] = pieces[i];
        while (kept >= 2 && siblings(&pieces[kept - 2], &pieces[kept - 1])) {
            kept--;
            pieces[kept - 1].prefix = net_prefix_of(pieces[kept - 1].prefix.addr, pieces[kept - 1].prefix.bits - 1U);
        }
    }
    return kept;
}

static int box_compare(const void *x, const void *y)
{
    const struct policy_box *a = x, *b = y;
    int by_prefix = prefix_compare(a->prefix, b->prefix);
    if (by_prefix)
        return by_prefix;
    if (a->protocol_first != b->protocol_first)
        return a->protocol_first < b->protocol_first ? -1 : 1;
    return a->port_first < b->port_first ? -1 : a->port_first > b->port_first;
}

static void put_be(struct buf *out, uint64_t v, size_t n)
{
    for (size_t i = n; i-- > 0;)
        buf_putc(out, (char)(v >> (8 * i) & 0xff));
}

static void class_name(struct policy_class *class, policy_hash *hash)
{
    BUF_AUTO content = {0};
    uint8_t digest[32];
    buf_append(&content, CLASS_DOMAIN, sizeof(CLASS_DOMAIN));
    for (size_t i = 0; i < class->n_boxes; i++) {
        const struct policy_box *box = &class->boxes[i];
        put_be(&content, box->prefix.addr.hi, 8);
        put_be(&content, box->prefix.addr.lo, 8);
        put_be(&content, box->prefix.bits, 1);
        put_be(&content, box->protocol_first, 1);
        put_be(&content, box->protocol_last, 1);
        put_be(&content, box->port_first, 2);
        put_be(&content, box->port_last, 2);
    }
    hash(content.data, content.len, digest);
    memcpy(class->id, "cls_", 4);
    hex_encode(digest, 16, class->id + 4);
}

/* Appends the boxes of the pieces first..end-1, which are of one set. */
static void class_boxes(const struct builder *b, const struct piece *pieces, size_t n, struct buf *boxes)
{
    size_t start = boxes->len;
    for (size_t i = 0; i < n; i++) {
        size_t bytes;
        const struct shape_cell *cells = interner_get(&b->shapes, pieces[i].shape, &bytes);
        for (size_t k = 0; k < bytes / sizeof(*cells); k++) {
            struct policy_box box = {pieces[i].prefix, (uint8_t)cells[k].protocol_first,
                                     (uint8_t)cells[k].protocol_last, cells[k].port_first, cells[k].port_last};
            buf_append(boxes, &box, sizeof(box));
        }
    }
    qsort(boxes->data + start, (boxes->len - start) / sizeof(struct policy_box), sizeof(struct policy_box),
          box_compare);
}

/* `boxes` still holds offsets while the array grows; they become pointers when it is whole. */
static void make_classes(struct builder *b, struct policy_partition *out)
{
    struct partition_index *ix = b->index;
    struct piece *pieces = (struct piece *)(void *)b->pieces.data;
    size_t n_sets = interner_count(&ix->sets), n = b->pieces.len / sizeof(*pieces);
    BUF_AUTO boxes = {0};
    if (n)
        qsort(pieces, n, sizeof(*pieces), piece_compare);
    n = merge_pieces(pieces, n);
    ix->classes = xalloc((n_sets + 1) * sizeof(*ix->classes));
    ix->set_class = xalloc((n_sets + 1) * sizeof(*ix->set_class));
    for (size_t i = 0, end; i < n; i = end) {
        struct policy_class *class = &ix->classes[out->n_classes];
        size_t bytes, before = boxes.len;
        for (end = i; end < n && pieces[end].set == pieces[i].set; end++)
            ;
        class_boxes(b, pieces + i, end - i, &boxes);
        class->n_boxes = (boxes.len - before) / sizeof(struct policy_box);
        class->resources = interner_get(&ix->sets, pieces[i].set, &bytes);
        class->n_resources = bytes / sizeof(uint32_t);
        ix->set_class[pieces[i].set] = (uint32_t)out->n_classes++;
    }
    ix->boxes = (struct policy_box *)(void *)buf_take(&boxes);
    const struct policy_box *at = ix->boxes;
    for (size_t i = 0; i < out->n_classes; at += ix->classes[i++].n_boxes) {
        ix->classes[i].boxes = at;
        class_name(&ix->classes[i], b->hash);
    }
    out->classes = ix->classes;
}

struct policy_partition *policy_partition_new(const struct policy_cover *covers, size_t n, policy_hash *hash)
{
    struct policy_partition *out = xalloc(sizeof(*out));
    struct builder b = {.hash = hash, .n_covers = n};
    out->index = b.index = xalloc(sizeof(*b.index));
    b.covers = xalloc((n + 1) * sizeof(*b.covers));
    if (n)
        memcpy(b.covers, covers, n * sizeof(*covers));
    qsort(b.covers, n, sizeof(*b.covers), cover_compare);
    make_nodes(&b);
    for (size_t i = 0; i < b.index->n_nodes; i++)
        cut_node(&b, &b.index->nodes[i]);
    for (size_t i = 0; i < b.index->n_nodes; i++)
        add_pieces(&b, i);
    make_classes(&b, out);
    free(b.covers);
    interner_done(&b.shapes);
    buf_done(&b.pieces);
    return out;
}

void policy_partition_free(struct policy_partition *p)
{
    if (!p)
        return;
    free(p->index->nodes);
    buf_done(&p->index->cells);
    free(p->index->set_class);
    interner_done(&p->index->sets);
    free(p->index->classes);
    free(p->index->boxes);
    free(p->index);
    free(p);
}

/* The deepest node that contains the address: the last one that starts at or before it, or one above that. */
static const struct node *node_of(const struct partition_index *ix, struct net_addr address)
{
    bool v4 = net_addr_is_v4(address);
    size_t lo = 0, hi = ix->n_nodes;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct net_prefix *p = &ix->nodes[mid].prefix;
        bool node_v4 = net_prefix_is_v4(*p);
        if (node_v4 == v4 ? net_addr_compare(p->addr, address) <= 0 : node_v4)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return NULL;
    const struct node *node = &ix->nodes[lo - 1];
    while (!net_prefix_contains(node->prefix, address)) {
        if (node->parent == POLICY_PARENT_NONE)
            return NULL;
        node = &ix->nodes[node->parent];
    }
    return node;
}

const struct policy_class *policy_partition_find(const struct policy_partition *p, struct net_addr address,
                                                 uint8_t protocol, uint16_t port)
{
    const struct partition_index *ix = p->index;
    const struct node *node = node_of(ix, address);
    if (!node)
        return NULL;
    const struct shape_cell *cells = (const struct shape_cell *)(const void *)ix->cells.data;
    for (size_t i = node->cells; i < node->cells_end; i++) {
        const struct shape_cell *c = &cells[i];
        if (c->protocol_first <= protocol && protocol <= c->protocol_last && c->port_first <= port &&
            port <= c->port_last)
            return &ix->classes[ix->set_class[c->set]];
    }
    return NULL;
}
