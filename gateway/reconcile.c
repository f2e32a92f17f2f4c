/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/reconcile.h"
#include "base/log.h"
#include "base/str.h"

/* How long the peer of a connection that posternd has ended still serves while its successor shakes hands. */
enum { LINGER_MS = 60000 };

void reconcile_init(struct reconcile *r, const struct kernel_ops *ops, void *kernel, struct vault *vault,
                    const struct renewals *renewals, uint16_t listen_port)
{
    *r = (struct reconcile){
        .ops = ops, .kernel = kernel, .vault = vault, .renewals = renewals, .listen_port = listen_port};
}

void reconcile_done(struct reconcile *r)
{
    grants_done(&r->actual);
    wg_device_done(&r->device);
    free(r->classes);
    free(r->owners);
}

void reconcile_distrust(struct reconcile *r)
{
    r->grants_known = r->classes_known = false;
}

/* Classes. */

static int read_boxes(const struct class_state *c, struct nft_box *out, struct class_entry *entry)
{
    for (size_t i = 0; i < c->n_boxes; i++) {
        const struct box_state *b = &c->boxes[i];
        if (net_prefix_parse(b->prefix, &out[i].prefix) || b->protocol_first > b->protocol_last ||
            b->port_first > b->port_last)
            return -EINVAL;
        out[i].protocol_first = (uint8_t)b->protocol_first;
        out[i].protocol_last = (uint8_t)b->protocol_last;
        out[i].port_first = (uint16_t)b->port_first;
        out[i].port_last = (uint16_t)b->port_last;
        *(net_prefix_is_v4(out[i].prefix) ? &entry->v4 : &entry->v6) = true;
    }
    return 0;
}

struct class_set {
    struct nft_class *classes;
    struct class_entry *entries;
    size_t n;
};

static void class_set_done(struct class_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const void *boxes = s->classes[i].boxes;
        free((void *)(uintptr_t)boxes);
    }
    free(s->classes);
    free(s->entries);
}

static size_t count(const struct store *store, unsigned kind, int64_t now_ms)
{
    size_t n = 0;
    store_for_each(item, store, kind, now_ms) n++;
    return n;
}

/* The wanted classes in order of id, which is the order of the store. */
static void class_set_fill(struct class_set *s, const struct store *store, int64_t now_ms)
{
    size_t n = count(store, KIND_CLASS, now_ms);
    *s = (struct class_set){xalloc(MAX(n, (size_t)1) * sizeof(*s->classes)),
                            xalloc(MAX(n, (size_t)1) * sizeof(*s->entries)), 0};
    store_for_each(item, store, KIND_CLASS, now_ms)
    {
        const struct class_state *c = item->record;
        struct nft_box *boxes = xalloc(MAX(c->n_boxes, (size_t)1) * sizeof(*boxes));
        struct class_entry entry = {0};
        str_copy(entry.id, sizeof(entry.id), item->id);
        if (read_boxes(c, boxes, &entry)) {
            log_error("class %s has a box that makes no sense; nothing is granted on it", item->id);
            free(boxes);
            continue;
        }
        s->classes[s->n] = (struct nft_class){boxes, c->n_boxes, 0};
        s->entries[s->n++] = entry;
    }
}

static bool same_classes(const struct reconcile *r, const struct class_set *s)
{
    if (!r->classes_known || r->n_classes != s->n)
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (!str_eq(r->classes[i].id, s->entries[i].id))
            return false;
    return true;
}

static bool mark_in_use(const struct reconcile *r, uint32_t mark)
{
    for (size_t i = 0; i < r->n_classes; i++)
        if (r->classes[i].mark == mark)
            return true;
    return false;
}

/* Elements on marks that went with their class went with them in the same batch. */
static void forget_dead_marks(struct reconcile *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->actual.n; i++)
        if (mark_in_use(r, r->actual.v[i].mark))
            r->actual.v[kept++] = r->actual.v[i];
    r->actual.n = kept;
}

static int run_classes(struct reconcile *r, const struct store *store, int64_t now_ms)
{
    CLEANUP(class_set_done) struct class_set s;
    class_set_fill(&s, store, now_ms);
    if (same_classes(r, &s))
        return 0;
    r->ops->begin(r->kernel);
    int result = r->ops->set_classes(r->kernel, s.classes, s.n);
    if (!result)
        result = r->ops->commit(r->kernel);
    if (result)
        return result;
    for (size_t i = 0; i < s.n; i++)
        s.entries[i].mark = s.classes[i].mark;
    free(r->classes);
    r->classes = s.entries;
    r->n_classes = s.n;
    r->classes_known = true;
    s.entries = NULL;
    forget_dead_marks(r);
    return 0;
}

static int by_id(const void *key, const void *entry)
{
    return strcmp(key, ((const struct class_entry *)entry)->id);
}

static const struct class_entry *find_class(const struct reconcile *r, const char *id)
{
    return r->n_classes ? bsearch(id, r->classes, r->n_classes, sizeof(*r->classes), by_id) : NULL;
}

/* Peers. */

struct peers {
    struct plan_peer *v;
    size_t n;
};

static void peers_done(struct peers *p)
{
    if (p->v)
        secret_wipe(p->v, p->n * sizeof(*p->v));
    free(p->v);
}

/* An ended connection still counts while a living one names it as the one that it replaces. */
static bool lingers(const struct reconcile *r, const struct store *store, const struct vault_peer *old, int64_t now_ms)
{
    for (size_t i = 0; i < r->vault->n; i++) {
        const struct vault_peer *p = r->vault->peers[i];
        if (str_eq(p->replaces, old->id) && str_eq(p->session, old->session) && now_ms - p->made_ms < LINGER_MS &&
            store_find(store, KIND_GATEWAY_CONNECTION, p->id, now_ms))
            return true;
    }
    return false;
}

static bool is_needed(const struct reconcile *r, const struct store *store, const struct vault_peer *p, int64_t now_ms)
{
    return !store || store_find(store, KIND_GATEWAY_CONNECTION, p->id, now_ms) || lingers(r, store, p, now_ms);
}

static int peer_order(const void *a, const void *b)
{
    return strcmp(((const struct plan_peer *)a)->id, ((const struct plan_peer *)b)->id);
}

/* Sorted by id. store NULL: all that the vault has. */
static struct peers peers_of(const struct reconcile *r, const struct store *store, int64_t now_ms)
{
    struct peers out = {xalloc(MAX(r->vault->n, (size_t)1) * sizeof(*out.v)), 0};
    for (size_t i = 0; i < r->vault->n; i++) {
        const struct vault_peer *p = r->vault->peers[i];
        if (is_needed(r, store, p, now_ms))
            out.v[out.n++] = (struct plan_peer){p->id, p->session, p->key, p->psk, p->inner_v4, p->inner_v6, PEER_GONE};
    }
    plan_peers(out.v, out.n, &r->device);
    if (out.n)
        qsort(out.v, out.n, sizeof(*out.v), peer_order);
    return out;
}

static int peer_by_id(const void *id, const void *peer)
{
    return strcmp(id, ((const struct plan_peer *)peer)->id);
}

static const struct plan_peer *find_peer(const struct peers *peers, const char *id)
{
    return peers->n ? bsearch(id, peers->v, peers->n, sizeof(*peers->v), peer_by_id) : NULL;
}

void reconcile_prune(struct reconcile *r, const struct store *store, int64_t now_ms)
{
    for (size_t i = r->vault->n; i-- > 0;)
        if (!is_needed(r, store, r->vault->peers[i], now_ms))
            vault_remove_at(r->vault, i);
}

bool reconcile_waiting(const struct reconcile *r, const struct store *store, int64_t now_ms)
{
    CLEANUP(peers_done) struct peers peers = peers_of(r, store, now_ms);
    for (size_t i = 0; i < peers.n; i++)
        if (peers.v[i].place == PEER_WAITING)
            return true;
    return false;
}

static bool engine_had(const struct wg_device *before, struct net_addr inner)
{
    for (size_t i = 0; i < before->n_peers; i++)
        for (size_t k = 0; k < before->peers[i].n_allowed; k++)
            if (net_prefix_eq(before->peers[i].allowed[k], net_prefix_host(inner)))
                return true;
    return false;
}

static int owner_by_inner(const void *x, const void *y)
{
    return net_addr_compare(((const struct owner *)x)->inner, ((const struct owner *)y)->inner);
}

/* The same session had the address before, so its flows may go on. */
static bool owned_before(const struct reconcile *r, const struct plan_peer *p)
{
    struct owner key = {.inner = p->inner_v4};
    if (!r->owners_known) /* we are new, the engine may not be */
        return engine_had(&r->device, p->inner_v4);
    const struct owner *o = r->n_owners ? bsearch(&key, r->owners, r->n_owners, sizeof(key), owner_by_inner) : NULL;
    return o && str_eq(o->session, p->session);
}

/* Addresses that come to another session may have flows of the one before. */
static int forget_flows(struct reconcile *r, const struct peers *peers)
{
    struct net_addr *inner = xalloc(MAX(peers->n, (size_t)1) * 2 * sizeof(*inner));
    size_t n = 0;
    for (size_t i = 0; i < peers->n; i++)
        if (peers->v[i].place == PEER_OWNER && !owned_before(r, &peers->v[i])) {
            inner[n++] = peers->v[i].inner_v4;
            inner[n++] = peers->v[i].inner_v6;
        }
    int result = n ? r->ops->forget_flows(r->kernel, inner, n) : 0;
    free(inner);
    return result;
}

static void remember_owners(struct reconcile *r, const struct peers *peers)
{
    free(r->owners);
    r->owners = xalloc(MAX(peers->n, (size_t)1) * sizeof(*r->owners));
    r->n_owners = 0;
    for (size_t i = 0; i < peers->n; i++) {
        if (peers->v[i].place != PEER_OWNER)
            continue;
        struct owner *o = &r->owners[r->n_owners++];
        o->inner = peers->v[i].inner_v4;
        str_copy(o->session, sizeof(o->session), peers->v[i].session);
    }
    if (r->n_owners)
        qsort(r->owners, r->n_owners, sizeof(*r->owners), owner_by_inner);
    r->owners_known = true;
}

/* A fresh engine does not know where its peers are, and they notice its death only when answers stay away. From where
 * they came last they are found at once. What an engine knows itself is newer: peers roam. */
static void keep_endpoints(const struct wg_device *before, const struct wg_device *now, struct wg_device *desired)
{
    for (size_t i = 0; i < desired->n_peers; i++) {
        struct wg_peer *p = &desired->peers[i];
        const struct wg_peer *had = wg_device_find(before, &p->public_key), *has = wg_device_find(now, &p->public_key);
        if (had && had->endpoint.port && (!has || !has->endpoint.port))
            p->endpoint = had->endpoint;
    }
}

static int run_peers(struct reconcile *r, const struct store *store, int64_t now_ms)
{
    struct wg_device now = {0};
    int result = r->ops->get_device(r->kernel, &now);
    if (result)
        return result;
    CLEANUP(wg_device_done) struct wg_device before = r->device;
    r->device = now;
    CLEANUP(peers_done) struct peers peers = peers_of(r, store, now_ms);
    CLEANUP(wg_device_done) struct wg_device desired = {0};
    plan_device(peers.v, peers.n, &r->vault->private_key, r->listen_port, &desired);
    keep_endpoints(&before, &now, &desired);
    result = forget_flows(r, &peers);
    if (!result)
        result = r->ops->apply_device(r->kernel, &desired);
    if (!result)
        remember_owners(r, &peers);
    return result;
}

int reconcile_restore(struct reconcile *r)
{
    return run_peers(r, NULL, 0);
}

/* Grants. */

static int know_grants(struct reconcile *r, int64_t now_ms)
{
    struct nft_grant *found;
    size_t n;
    if (r->grants_known)
        return 0;
    int result = r->ops->read_grants(r->kernel, &found, &n);
    if (result)
        return result;
    r->actual.n = 0;
    for (size_t i = 0; i < n; i++)
        grants_add(&r->actual, found[i].inner, found[i].mark, now_ms + found[i].left_ms);
    grants_sort(&r->actual);
    free(found);
    r->grants_known = true;
    return 0;
}

static void want_grant(const struct reconcile *r, const struct grant_state *g, const struct plan_peer *peer,
                       int64_t until_ms, struct grants *out)
{
    for (size_t i = 0; i < g->n_classes; i++) {
        const struct class_entry *c = find_class(r, g->classes[i]);
        if (c && c->v4)
            grants_add(out, peer->inner_v4, c->mark, until_ms);
        if (c && c->v6)
            grants_add(out, peer->inner_v6, c->mark, until_ms);
    }
}

/* Grants are for connections that are installed (or about to be), never for an address as such. */
static void want_grants(const struct reconcile *r, const struct store *store, int64_t now_ms, struct grants *out)
{
    CLEANUP(peers_done) struct peers peers = peers_of(r, store, now_ms);
    store_for_each(item, store, KIND_GRANT, now_ms)
    {
        const struct grant_state *g = item->record;
        const struct plan_peer *peer = find_peer(&peers, g->connection);
        if (!peer || peer->place == PEER_GONE || !store_find(store, KIND_GATEWAY_CONNECTION, g->connection, now_ms))
            continue;
        int64_t until = renewals_open_until(r->renewals, item->until_ms - g->valid_for_ms, item->until_ms);
        if (until > now_ms)
            want_grant(r, g, peer, until, out);
    }
    grants_sort(out);
}

static void collect(struct reconcile *r, const struct grants *list, int64_t now_ms, bool drop)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct plan_grant *g = &list->v[i];
        if (drop)
            r->ops->drop_grant(r->kernel, g->inner, g->mark);
        else
            r->ops->set_grant(r->kernel, g->inner, g->mark, g->until_ms - now_ms);
    }
}

/* What we believe afterwards: `gone` removed, `fresh` put in place of what was there. */
static void believe(struct reconcile *r, const struct grants *gone, const struct grants *a, const struct grants *b)
{
    struct grants next = {0};
    for (size_t i = 0; i < r->actual.n; i++) {
        const struct plan_grant *g = &r->actual.v[i];
        if (!grants_find(gone, g->inner, g->mark) && !grants_find(a, g->inner, g->mark) &&
            !grants_find(b, g->inner, g->mark))
            grants_add(&next, g->inner, g->mark, g->until_ms);
    }
    for (size_t i = 0; i < a->n; i++)
        grants_add(&next, a->v[i].inner, a->v[i].mark, a->v[i].until_ms);
    for (size_t i = 0; i < b->n; i++)
        grants_add(&next, b->v[i].inner, b->v[i].mark, b->v[i].until_ms);
    grants_sort(&next);
    grants_done(&r->actual);
    r->actual = next;
}

static int commit_grants(struct reconcile *r, const struct grants *drop, const struct grants *cut,
                         const struct grants *set, int64_t now_ms)
{
    if (!drop->n && !cut->n && !set->n)
        return 0;
    r->ops->begin(r->kernel);
    collect(r, drop, now_ms, true);
    collect(r, cut, now_ms, false);
    collect(r, set, now_ms, false);
    int result = r->ops->commit(r->kernel);
    if (!result)
        believe(r, drop, cut, set);
    return result;
}

/* open = false: only what takes away. */
static int run_grants(struct reconcile *r, const struct store *store, int64_t now_ms, bool closed, bool open)
{
    CLEANUP(grants_done) struct grants wanted = {0};
    CLEANUP(grants_done) struct grants drop = {0};
    CLEANUP(grants_done) struct grants cut = {0};
    CLEANUP(grants_done) struct grants set = {0};
    if (!closed)
        want_grants(r, store, now_ms, &wanted);
    plan_grants(&wanted, &r->actual, now_ms, &drop, &cut, &set);
    if (!open)
        set.n = 0;
    return commit_grants(r, &drop, &cut, &set, now_ms);
}

int reconcile_run(struct reconcile *r, const struct store *store, int64_t now_ms, bool closed)
{
    int result = know_grants(r, now_ms);
    if (!result) {
        result = run_classes(r, store, now_ms);
        /* Classes that the kernel does not take are no reason to leave open what was revoked. */
        int shrunk = run_grants(r, store, now_ms, closed, false);
        result = result ? result : shrunk;
    }
    if (!result)
        result = run_peers(r, store, now_ms);
    if (!result)
        result = run_grants(r, store, now_ms, closed, true);
    if (result)
        reconcile_distrust(r);
    return result;
}

int reconcile_shrink(struct reconcile *r, const struct store *store, int64_t now_ms, bool closed)
{
    int result = know_grants(r, now_ms);
    if (!result)
        result = run_grants(r, store, now_ms, closed, false);
    if (result)
        reconcile_distrust(r);
    return result;
}

int reconcile_close(struct reconcile *r)
{
    const struct grants none = {0};
    int result = know_grants(r, 0);
    if (!result)
        result = commit_grants(r, &r->actual, &none, &none, 0);
    if (result)
        reconcile_distrust(r);
    return result;
}
