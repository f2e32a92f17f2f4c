/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/plan.h"
#include "base/str.h"

void grants_done(struct grants *g)
{
    free(g->v);
    *g = (struct grants){0};
}

void grants_add(struct grants *g, struct net_addr inner, uint32_t mark, int64_t until_ms)
{
    if (g->n == g->cap) {
        g->cap = g->cap ? 2 * g->cap : 16;
        g->v = reallocarray(g->v, g->cap, sizeof(*g->v));
        if (!g->v)
            abort();
    }
    g->v[g->n++] = (struct plan_grant){inner, mark, until_ms};
}

static int compare_pair(const struct plan_grant *a, const struct plan_grant *b)
{
    int c = net_addr_compare(a->inner, b->inner);
    return c ? c : (a->mark > b->mark) - (a->mark < b->mark);
}

static int compare_grants(const void *x, const void *y)
{
    const struct plan_grant *a = x, *b = y;
    int c = compare_pair(a, b);
    return c ? c : (a->until_ms < b->until_ms) - (a->until_ms > b->until_ms);
}

void grants_sort(struct grants *g)
{
    size_t kept = 0;
    if (g->n)
        qsort(g->v, g->n, sizeof(*g->v), compare_grants);
    for (size_t i = 0; i < g->n; i++)
        if (!kept || compare_pair(&g->v[kept - 1], &g->v[i]) != 0)
            g->v[kept++] = g->v[i];
    g->n = kept;
}

const struct plan_grant *grants_find(const struct grants *g, struct net_addr inner, uint32_t mark)
{
    struct plan_grant key = {inner, mark, 0};
    size_t lo = 0, hi = g->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = compare_pair(&g->v[mid], &key);
        if (c == 0)
            return &g->v[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static void copy(struct grants *to, const struct plan_grant *g)
{
    grants_add(to, g->inner, g->mark, g->until_ms);
}

static void adjust(const struct plan_grant *wanted, const struct plan_grant *actual, int64_t now_ms, struct grants *cut,
                   struct grants *set)
{
    int64_t later = wanted->until_ms - actual->until_ms;
    if (later < -PLAN_EARLIER_MS)
        copy(cut, wanted);
    else if (later >= PLAN_LATER_MS || (later > 0 && actual->until_ms - now_ms < PLAN_NEAR_MS))
        copy(set, wanted);
}

void plan_grants(const struct grants *wanted, const struct grants *actual, int64_t now_ms, struct grants *drop,
                 struct grants *cut, struct grants *set)
{
    size_t w = 0, a = 0;
    while (w < wanted->n || a < actual->n) {
        int c = w == wanted->n ? 1 : a == actual->n ? -1 : compare_pair(&wanted->v[w], &actual->v[a]);
        if (c < 0)
            copy(set, &wanted->v[w++]);
        else if (c > 0)
            copy(drop, &actual->v[a++]);
        else
            adjust(&wanted->v[w++], &actual->v[a++], now_ms, cut, set);
    }
}

static int newest_first(const void *x, const void *y)
{
    const struct plan_peer *a = x, *b = y;
    int c = net_addr_compare(a->inner_v4, b->inner_v4);
    return c ? c : strcmp(b->id, a->id);
}

static bool has_address(const struct wg_peer *peer, struct net_addr inner)
{
    for (size_t i = 0; i < peer->n_allowed; i++)
        if (net_prefix_eq(peer->allowed[i], net_prefix_host(inner)))
            return true;
    return false;
}

/* Index of the owner among peers that share the inner address, newest first. */
static size_t owner_of(const struct plan_peer *peers, size_t n, const struct wg_device *actual)
{
    size_t holder = n;
    for (size_t i = 0; i < n; i++) {
        const struct wg_peer *installed = wg_device_find(actual, &peers[i].key);
        if (!installed || !str_eq(peers[i].session, peers[0].session))
            continue;
        if (installed->last_handshake_us)
            return i;
        if (holder == n && has_address(installed, peers[i].inner_v4))
            holder = i;
    }
    return holder == n ? 0 : holder;
}

static void place_group(struct plan_peer *peers, size_t n, const struct wg_device *actual)
{
    size_t owner = owner_of(peers, n, actual);
    for (size_t i = 0; i < n; i++) {
        bool same = str_eq(peers[i].session, peers[0].session);
        peers[i].place = i == owner ? PEER_OWNER : same && i < owner ? PEER_WAITING : PEER_GONE;
    }
}

static int by_key_newest_first(const void *x, const void *y)
{
    const struct plan_peer *a = x, *b = y;
    int c = wg_key_compare(&a->key, &b->key);
    return c ? c : strcmp(b->id, a->id);
}

/* Moves connections whose key a newer one uses to the end and returns how many are left. */
static size_t without_twins(struct plan_peer *peers, size_t n)
{
    size_t kept = 0;
    if (n)
        qsort(peers, n, sizeof(*peers), by_key_newest_first);
    for (size_t i = 0; i < n; i++) {
        struct plan_peer p = peers[i];
        p.place = PEER_GONE;
        peers[i] = peers[kept];
        peers[kept] = p;
        if (!kept || wg_key_compare(&peers[kept - 1].key, &p.key) != 0)
            kept++;
    }
    return kept;
}

void plan_peers(struct plan_peer *peers, size_t n, const struct wg_device *actual)
{
    n = without_twins(peers, n);
    if (n)
        qsort(peers, n, sizeof(*peers), newest_first);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && net_addr_eq(peers[end].inner_v4, peers[i].inner_v4);)
            end++;
        place_group(peers + i, end - i, actual);
    }
}

void plan_device(const struct plan_peer *peers, size_t n, const struct wg_key *private_key, uint16_t listen_port,
                 struct wg_device *out)
{
    out->private_key = *private_key;
    out->listen_port = listen_port;
    for (size_t i = 0; i < n; i++) {
        if (peers[i].place == PEER_GONE)
            continue;
        struct wg_peer *p = wg_device_peer(out, &peers[i].key);
        p->preshared_key = peers[i].psk;
        if (peers[i].place != PEER_OWNER)
            continue;
        wg_peer_allow(p, net_prefix_host(peers[i].inner_v4));
        wg_peer_allow(p, net_prefix_host(peers[i].inner_v6));
    }
}
