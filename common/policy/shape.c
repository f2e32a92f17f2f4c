/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/shape.h"
#include "base/str.h"

enum { N_PROTOCOLS = 256 };

void interner_done(struct interner *in)
{
    map_done(&in->numbers);
    buf_done(&in->pool);
    buf_done(&in->offsets);
}

size_t interner_count(const struct interner *in)
{
    return in->offsets.len / sizeof(size_t);
}

uint32_t interner_add(struct interner *in, const void *p, size_t n)
{
    uintptr_t known = (uintptr_t)map_get_bytes(&in->numbers, p, n);
    if (known)
        return (uint32_t)(known - 1);
    size_t start = in->pool.len, number = interner_count(in);
    buf_append(&in->pool, p, n);
    buf_append(&in->offsets, &start, sizeof(start));
    (void)map_set_bytes(&in->numbers, p, n, (void *)(number + 1));
    return (uint32_t)number;
}

const void *interner_get(const struct interner *in, uint32_t number, size_t *n)
{
    const size_t *starts = (const size_t *)(const void *)in->offsets.data;
    size_t end = number + 1 < interner_count(in) ? starts[number + 1] : in->pool.len;
    *n = end - starts[number];
    return in->pool.data + starts[number];
}

/* A port at which a resource begins (+1) or has ended (-1) to cover. */
struct edge {
    uint32_t port;
    uint32_t resource;
    int change;
};

static int edge_compare(const void *x, const void *y)
{
    const struct edge *a = x, *b = y;
    return a->port < b->port ? -1 : a->port > b->port;
}

/* Resources that cover the current port, sorted, with the number of their boxes there. */
struct active {
    uint32_t *resources;
    int *counts;
    size_t n;
};

static void active_change(struct active *a, uint32_t resource, int change)
{
    size_t i = 0;
    while (i < a->n && a->resources[i] < resource)
        i++;
    if (i == a->n || a->resources[i] != resource) {
        memmove(a->resources + i + 1, a->resources + i, (a->n - i) * sizeof(*a->resources));
        memmove(a->counts + i + 1, a->counts + i, (a->n - i) * sizeof(*a->counts));
        a->resources[i] = resource;
        a->counts[i] = 0;
        a->n++;
    }
    a->counts[i] += change;
    if (a->counts[i] == 0) {
        a->n--;
        memmove(a->resources + i, a->resources + i + 1, (a->n - i) * sizeof(*a->resources));
        memmove(a->counts + i, a->counts + i + 1, (a->n - i) * sizeof(*a->counts));
    }
}

struct cutter {
    struct edge *edges;
    struct active active;
    struct interner *sets;
    struct buf *cells;
};

/* Adds the cell or makes the last one of the same protocols longer. `from` is where this row of cells starts. */
static void cell_add(struct cutter *c, size_t from, struct shape_cell cell)
{
    struct shape_cell *cells = (struct shape_cell *)(void *)c->cells->data;
    size_t n = c->cells->len / sizeof(*cells);
    if (n > from && cells[n - 1].set == cell.set && cells[n - 1].port_last + 1 == cell.port_first)
        cells[n - 1].port_last = cell.port_last;
    else
        buf_append(c->cells, &cell, sizeof(cell));
}

static size_t row_edges(const struct policy_cover *const *covers, size_t n, int protocol, struct edge *edges)
{
    size_t n_edges = 0;
    for (size_t i = 0; i < n; i++) {
        const struct policy_box *box = &covers[i]->box;
        if (box->protocol_first > protocol || box->protocol_last < protocol)
            continue;
        edges[n_edges++] = (struct edge){box->port_first, covers[i]->resource, 1};
        edges[n_edges++] = (struct edge){(uint32_t)box->port_last + 1, covers[i]->resource, -1};
    }
    if (n_edges)
        qsort(edges, n_edges, sizeof(*edges), edge_compare);
    return n_edges;
}

/* The row of cells of the protocols first..last, which all boxes cover together or not at all. */
static void cut_row(struct cutter *c, const struct policy_cover *const *covers, size_t n, int first, int last)
{
    size_t row = c->cells->len / sizeof(struct shape_cell), n_edges = row_edges(covers, n, first, c->edges);
    c->active.n = 0;
    for (size_t i = 0; i < n_edges;) {
        uint32_t port = c->edges[i].port;
        for (; i < n_edges && c->edges[i].port == port; i++)
            active_change(&c->active, c->edges[i].resource, c->edges[i].change);
        if (!c->active.n)
            continue;
        uint32_t set = interner_add(c->sets, c->active.resources, c->active.n * sizeof(*c->active.resources));
        cell_add(c, row,
                 (struct shape_cell){(uint16_t)first, (uint16_t)last, (uint16_t)port, (uint16_t)(c->edges[i].port - 1),
                                     set});
    }
}

void shape_cut(const struct policy_cover *const *covers, size_t n, struct interner *sets, struct buf *cells)
{
    bool starts[N_PROTOCOLS + 1] = {false};
    struct cutter c = {.sets = sets, .cells = cells};
    c.edges = xalloc(2 * n * sizeof(*c.edges));
    c.active.resources = xalloc((n + 1) * sizeof(*c.active.resources));
    c.active.counts = xalloc((n + 1) * sizeof(*c.active.counts));
    for (size_t i = 0; i < n; i++) {
        starts[covers[i]->box.protocol_first] = true;
        starts[covers[i]->box.protocol_last + 1] = true;
    }
    starts[N_PROTOCOLS] = true;
    for (int first = 0, next; first < N_PROTOCOLS; first = next) {
        for (next = first + 1; !starts[next]; next++)
            ;
        cut_row(&c, covers, n, first, next - 1);
    }
    free(c.edges);
    free(c.active.resources);
    free(c.active.counts);
}

static bool same_ports(const struct shape_cell *a, const struct shape_cell *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i].port_first != b[i].port_first || a[i].port_last != b[i].port_last)
            return false;
    return true;
}

void shape_of_set(const struct shape_cell *cells, size_t n, uint32_t set, struct buf *out)
{
    size_t base = out->len, above = 0, n_above = 0; /* the last row written: index of its first cell, cells */
    for (size_t i = 0; i < n;) {
        BUF_AUTO row = {0};
        for (uint16_t protocol = cells[i].protocol_first; i < n && cells[i].protocol_first == protocol; i++) {
            struct shape_cell cell = cells[i];
            cell.set = 0;
            if (cells[i].set == set)
                buf_append(&row, &cell, sizeof(cell));
        }
        const struct shape_cell *now = (const struct shape_cell *)(const void *)row.data;
        struct shape_cell *written = (struct shape_cell *)(void *)(out->data ? out->data + base : NULL);
        size_t n_now = row.len / sizeof(*now);
        if (!n_now)
            continue;
        if (n_now == n_above && written[above].protocol_last + 1 == now->protocol_first &&
            same_ports(written + above, now, n_now)) {
            for (size_t k = 0; k < n_now; k++)
                written[above + k].protocol_last = now->protocol_last;
            continue;
        }
        above = (out->len - base) / sizeof(*now);
        n_above = n_now;
        buf_append(out, row.data, row.len);
    }
}
