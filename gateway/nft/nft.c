/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nft/nft.h"
#include "base/str.h"
#include "gateway/nft/classes.h"
#include "gateway/nft/denied.h"
#include "gateway/nft/element.h"
#include "gateway/nft/flows.h"
#include "gateway/nft/skeleton.h"
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>

enum { TABLE_NAME_MAX = 31 + 1 };

/* One grant given (left_ms > 0) or dropped (0). */
struct op {
    struct nft_grant grant;
    size_t order; /* of arrival: the last one about a grant counts */
};

/* What is collected between nft_begin() and nft_commit(). */
struct change {
    struct class_table classes;
    bool classes_set;
    uint32_t high;
    struct buf ops; /* struct op */
    int error;
};

struct nft {
    struct nl nl;
    char table[TABLE_NAME_MAX], tunnel[IFNAMSIZ];
    struct class_table classes; /* in force */
    uint32_t high;              /* no mark above it was ever given */
    uint64_t rules;             /* skeleton_rules() when they were as they should be */
    struct change change;
    struct denied_tally tally;
};

static bool name_ok(const char *s)
{
    return s[0] && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] == '\0';
}

static size_t n_ops(const struct change *c)
{
    return c->ops.len / sizeof(struct op);
}

static struct op *ops(const struct change *c)
{
    return (struct op *)(void *)c->ops.data;
}

static void change_done(struct change *c)
{
    class_table_done(&c->classes);
    buf_done(&c->ops);
    *c = (struct change){0};
}

/* Reading back */

struct class_reading {
    struct nft *n;
    bool v4;
};

static int on_class(const struct element *e, void *arg)
{
    struct class_reading *r = arg;
    struct nft_box box;
    if (!element_to_box(e, r->v4, &box) || !mark_is_ours(e->mark))
        return -EBADMSG;
    class_table_add(&r->n->classes, e->mark, &box);
    r->n->high = MAX(r->n->high, e->mark);
    return 0;
}

static void forget_family(void *arg)
{
    struct class_reading *r = arg;
    size_t kept = 0;
    for (size_t i = 0; i < r->n->classes.n_boxes; i++)
        if (net_prefix_is_v4(r->n->classes.boxes[i].box.prefix) != r->v4)
            r->n->classes.boxes[kept++] = r->n->classes.boxes[i];
    r->n->classes.n_boxes = kept;
}

static int on_high(const struct element *e, void *arg)
{
    uint32_t *high = arg, mark;
    if (!element_to_mark(e, &mark))
        return -EBADMSG;
    *high = MAX(*high, mark);
    return 0;
}

static void keep(void *arg)
{
}

static int read_back(struct nft *n)
{
    struct class_reading v4 = {n, true}, v6 = {n, false};
    int r = element_read(&n->nl, n->table, skeleton_res4, on_class, forget_family, &v4);
    if (r == 0)
        r = element_read(&n->nl, n->table, skeleton_res6, on_class, forget_family, &v6);
    if (r == 0)
        r = element_read(&n->nl, n->table, skeleton_marks, on_high, keep, &n->high);
    class_table_sort(&n->classes);
    return r;
}

/* Flows outlive tables: marks that some of them still carry must not come to mean something else. */
static int make(struct nft *n, bool replace)
{
    uint32_t carried;
    int r = flows_highest_mark(&n->nl, &carried);
    if (r)
        return r;
    /* A table of an older version may not tell; what counts then is what flows carry. */
    if (replace && element_read(&n->nl, n->table, skeleton_marks, on_high, keep, &n->high))
        n->high = MARK_TAG;
    n->high = MAX(n->high, carried);
    struct nl_batch b;
    nl_batch_begin(&b, &n->nl);
    if (replace)
        skeleton_remove(&b, n->table);
    skeleton_create(&b, n->table, n->tunnel);
    struct element_writer w = {.batch = &b, .table = n->table};
    struct element high = element_of_mark(n->high);
    element_put(&w, NFT_MSG_NEWSETELEM, skeleton_marks, &high);
    r = nl_batch_commit(&b, NULL);
    nl_batch_done(&b);
    return r;
}

int nft_open(const struct nft_options *options, struct nft **out)
{
    struct nft *n = xalloc(sizeof(*n));
    n->high = MARK_TAG;
    int r = name_ok(options->table) && str_copy(n->table, sizeof(n->table), options->table) && options->tunnel[0] &&
                    str_copy(n->tunnel, sizeof(n->tunnel), options->tunnel)
                ? 0
                : -EINVAL;
    if (r == 0)
        r = nl_open(&n->nl);
    bool there = false;
    int same = r ? r : skeleton_find(&n->nl, n->table, n->tunnel, &there);
    r = same < 0 ? same : same ? read_back(n) : make(n, there);
    if (r == 0)
        r = skeleton_rules(&n->nl, n->table, &n->rules);
    if (r) {
        nft_close(n);
        return r;
    }
    *out = n;
    return 0;
}

void nft_close(struct nft *n)
{
    if (!n)
        return;
    nl_close(&n->nl);
    class_table_done(&n->classes);
    change_done(&n->change);
    denied_tally_done(&n->tally);
    free(n);
}

int nft_check(struct nft *n)
{
    uint64_t rules = 0;
    int r = skeleton_rules(&n->nl, n->table, &rules);
    return r ? r : rules == n->rules ? 0 : -ESTALE;
}

int nft_remake(struct nft *n)
{
    bool there = false;
    change_done(&n->change);
    class_table_done(&n->classes);
    int r = skeleton_find(&n->nl, n->table, n->tunnel, &there);
    if (r >= 0)
        r = make(n, there);
    return r ? r : skeleton_rules(&n->nl, n->table, &n->rules);
}

int nft_remove(const char *table)
{
    struct nl nl;
    struct nl_batch b;
    int r = name_ok(table) && strlen(table) < TABLE_NAME_MAX ? nl_open(&nl) : -EINVAL;
    if (r)
        return r;
    nl_batch_begin(&b, &nl);
    skeleton_remove(&b, table);
    r = nl_batch_commit(&b, NULL);
    nl_batch_done(&b);
    nl_close(&nl);
    return r == -ENOENT ? 0 : r;
}

/* Changing */

void nft_begin(struct nft *n)
{
    change_done(&n->change);
    n->change.high = n->high;
}

int nft_set_classes(struct nft *n, struct nft_class *classes, size_t n_classes)
{
    class_table_done(&n->change.classes);
    n->change.classes_set = true;
    n->change.high = n->high;
    int r = classes_assign(&n->classes, classes, n_classes, &n->change.high, &n->change.classes);
    if (r)
        n->change.error = r;
    return r;
}

/* A mark that is not ours would open more than a class: 0, for one, is on every flow without a class. */
static void add_op(struct nft *n, struct net_addr inner, uint32_t mark, int64_t left_ms)
{
    if (!mark_is_ours(mark) || left_ms < 0) {
        n->change.error = -EINVAL;
        return;
    }
    struct op op = {.grant = {.inner = inner, .mark = mark, .left_ms = left_ms}, .order = n_ops(&n->change)};
    buf_append(&n->change.ops, &op, sizeof(op));
}

void nft_set_grant(struct nft *n, struct net_addr inner, uint32_t mark, int64_t left_ms)
{
    add_op(n, inner, mark, left_ms > 0 ? left_ms : -1);
}

void nft_drop_grant(struct nft *n, struct net_addr inner, uint32_t mark)
{
    add_op(n, inner, mark, 0);
}

static int by_grant(const void *x, const void *y)
{
    const struct nft_grant *a = x, *b = y;
    int c = net_addr_compare(a->inner, b->inner);
    return c ? c : (a->mark > b->mark) - (a->mark < b->mark);
}

static int by_op(const void *x, const void *y)
{
    const struct op *a = x, *b = y;
    int c = by_grant(&a->grant, &b->grant);
    return c ? c : (a->order > b->order) - (a->order < b->order);
}

static void settle_ops(struct change *c)
{
    struct op *op = ops(c);
    size_t n = n_ops(c), kept = 0;
    if (n > 1)
        qsort(op, n, sizeof(*op), by_op);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || by_grant(&op[i].grant, &op[i + 1].grant) != 0)
            op[kept++] = op[i];
    c->ops.len = kept * sizeof(*op);
}

static void put_boxes(struct element_writer *w, unsigned type, const struct class_table *of,
                      const struct class_table *not_in)
{
    for (size_t i = 0; i < of->n_boxes; i++) {
        const struct class_box *b = &of->boxes[i];
        if (class_table_has(not_in, b->mark))
            continue;
        struct element e = element_of_box(&b->box, b->mark);
        element_put(w, type, ELEMENT_SET(b->box.prefix.addr, skeleton_res4, skeleton_res6), &e);
    }
}

static void put_classes(struct nft *n, struct element_writer *w)
{
    put_boxes(w, NFT_MSG_DELSETELEM, &n->classes, &n->change.classes);
    put_boxes(w, NFT_MSG_NEWSETELEM, &n->change.classes, &n->classes);
    if (n->change.high == n->high)
        return;
    struct element before = element_of_mark(n->high), after = element_of_mark(n->change.high);
    element_put(w, NFT_MSG_NEWSETELEM, skeleton_marks, &after);
    element_put(w, NFT_MSG_DELSETELEM, skeleton_marks, &before);
}

enum pass { ENSURE, REMOVE, GIVE };

/*
 * Adding what is there already is silently ignored (bookworm's 6.1 keeps the old timeout), deleting what is not there
 * fails the whole batch, and an element may expire at any moment. So each one is first made to be there, then deleted,
 * then given with its new time; nobody sees the steps between.
 */
static void put_grants(struct element_writer *w, const struct change *c, enum pass pass)
{
    enum { PASSING_MS = 60000 };
    for (size_t i = 0; i < n_ops(c); i++) {
        const struct nft_grant *g = &ops(c)[i].grant;
        if (pass == GIVE && g->left_ms == 0)
            continue;
        struct element e = element_of_grant(g->inner, g->mark, pass == GIVE ? g->left_ms : PASSING_MS);
        element_put(w, pass == REMOVE ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
                    ELEMENT_SET(g->inner, skeleton_grants4, skeleton_grants6), &e);
    }
}

static int drop_orphans(struct nft *n)
{
    struct nft_grant *now;
    size_t n_now;
    int r = nft_read_grants(n, &now, &n_now);
    if (r)
        return r;
    for (size_t i = 0; i < n_now; i++)
        if (mark_is_ours(now[i].mark) && !class_table_has(&n->change.classes, now[i].mark))
            nft_drop_grant(n, now[i].inner, now[i].mark);
    free(now);
    return 0;
}

int nft_commit(struct nft *n)
{
    struct change *c = &n->change;
    struct nl_batch b;
    int r = c->error;
    if (r == 0 && c->classes_set)
        r = drop_orphans(n);
    if (r == 0)
        r = c->error;
    settle_ops(c);
    nl_batch_begin(&b, &n->nl);
    if (r == 0) {
        struct element_writer w = {.batch = &b, .table = n->table};
        if (c->classes_set)
            put_classes(n, &w);
        for (enum pass pass = ENSURE; pass <= GIVE; pass++)
            put_grants(&w, c, pass);
        r = nl_batch_commit(&b, NULL);
    }
    nl_batch_done(&b);
    if (r == 0 && c->classes_set) {
        struct class_table old = n->classes;
        n->classes = c->classes;
        c->classes = old;
        n->high = c->high;
    }
    change_done(c);
    return r;
}

/* Reading */

struct reading {
    bool v4;
    size_t keep; /* bytes that another family has read already */
    struct buf out;
};

static void forget(void *arg)
{
    struct reading *r = arg;
    r->out.len = r->keep;
}

static int on_grant(const struct element *e, void *arg)
{
    struct reading *r = arg;
    struct nft_grant g;
    if (!element_to_grant(e, r->v4, &g))
        return -EBADMSG;
    buf_append(&r->out, &g, sizeof(g));
    return 0;
}

static int on_denied(const struct element *e, void *arg)
{
    struct reading *r = arg;
    struct nft_denied d;
    if (!element_to_denied(e, r->v4, &d))
        return -EBADMSG;
    buf_append(&r->out, &d, sizeof(d));
    return 0;
}

static int read_both(struct nft *n, const char *set4, const char *set6, int (*each)(const struct element *, void *),
                     struct reading *r)
{
    *r = (struct reading){.v4 = true};
    int result = element_read(&n->nl, n->table, set4, each, forget, r);
    r->v4 = false;
    r->keep = r->out.len;
    if (result == 0)
        result = element_read(&n->nl, n->table, set6, each, forget, r);
    if (result)
        buf_done(&r->out);
    return result;
}

int nft_read_grants(struct nft *n, struct nft_grant **out, size_t *n_out)
{
    struct reading r;
    int result = read_both(n, skeleton_grants4, skeleton_grants6, on_grant, &r);
    if (result)
        return result;
    *n_out = r.out.len / sizeof(**out);
    *out = (void *)buf_take(&r.out);
    if (*n_out > 1)
        qsort(*out, *n_out, sizeof(**out), by_grant);
    return 0;
}

int nft_read_denied(struct nft *n, struct nft_denied **out, size_t *n_out)
{
    struct reading r;
    int result = read_both(n, skeleton_denied4, skeleton_denied6, on_denied, &r);
    if (result)
        return result;
    *n_out = r.out.len / sizeof(**out);
    *out = (void *)buf_take(&r.out);
    *n_out = denied_tally_update(&n->tally, *out, *n_out);
    return 0;
}

static int by_addr(const void *x, const void *y)
{
    return net_addr_compare(*(const struct net_addr *)x, *(const struct net_addr *)y);
}

int nft_forget_flows(struct nft *n, const struct net_addr *inner, size_t n_inner)
{
    if (n_inner == 0)
        return 0;
    struct net_addr *sorted = xalloc(n_inner * sizeof(*sorted));
    memcpy(sorted, inner, n_inner * sizeof(*sorted));
    qsort(sorted, n_inner, sizeof(*sorted), by_addr);
    int r = flows_forget(&n->nl, sorted, n_inner);
    free(sorted);
    return r;
}

static int on_counter(const struct nlmsghdr *m, void *arg)
{
    struct nft_counters *out = arg;
    const struct nlattr *a[NFTA_OBJ_MAX + 1], *c[NFTA_COUNTER_MAX + 1];
    nl_message_attrs(m, a, NFTA_OBJ_MAX);
    nl_attrs(a[NFTA_OBJ_DATA], c, NFTA_COUNTER_MAX);
    *out = (struct nft_counters){.refused_packets = nl_be64(c[NFTA_COUNTER_PACKETS]),
                                 .refused_bytes = nl_be64(c[NFTA_COUNTER_BYTES])};
    return MNL_CB_OK;
}

int nft_read_counters(struct nft *n, struct nft_counters *out)
{
    char space[NL_ROOM];
    struct nlmsghdr *m = nl_request(&n->nl, space, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETOBJ, NFPROTO_INET, NLM_F_ACK);
    mnl_attr_put_strz(m, NFTA_OBJ_TABLE, n->table);
    mnl_attr_put_strz(m, NFTA_OBJ_NAME, skeleton_refused);
    nl_put_be32(m, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
    return nl_query(&n->nl, m, on_counter, keep, out);
}
