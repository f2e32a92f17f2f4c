/* SPDX-License-Identifier: Apache-2.0 */
#include "wireguard/device.h"
#include "base/str.h"

static void peer_done(struct wg_peer *p)
{
    free(p->allowed);
    explicit_bzero(p, sizeof(*p));
}

void wg_device_done(struct wg_device *d)
{
    for (size_t i = 0; i < d->n_peers; i++)
        peer_done(&d->peers[i]);
    free(d->peers);
    explicit_bzero(d, sizeof(*d));
}

int wg_key_compare(const struct wg_key *a, const struct wg_key *b)
{
    return memcmp(a->b, b->b, WG_KEY_LEN);
}

bool wg_key_is_zero(const struct wg_key *k)
{
    static const struct wg_key zero;
    return bytes_eq_ct(k->b, zero.b, WG_KEY_LEN);
}

/* Index of the key, or of the place where it belongs. */
static size_t find(const struct wg_device *d, const struct wg_key *key, bool *there)
{
    size_t lo = 0, hi = d->n_peers;
    *there = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = wg_key_compare(&d->peers[mid].public_key, key);
        if (c == 0) {
            *there = true;
            return mid;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct wg_peer *wg_device_find(const struct wg_device *d, const struct wg_key *public_key)
{
    bool there;
    size_t at = find(d, public_key, &there);
    return there ? &d->peers[at] : NULL;
}

/* A list of n items has room for the next power of two; by hand because realloc leaves keys in freed memory.
 */
static void *grow(void *items, size_t n, size_t size)
{
    if (n & (n - 1) || (n == 0 && items))
        return items;
    void *bigger = xalloc(MAX(n * 2, (size_t)1) * size);
    if (n > 0) {
        memcpy(bigger, items, n * size);
        explicit_bzero(items, n * size);
    }
    free(items);
    return bigger;
}

struct wg_peer *wg_device_peer(struct wg_device *d, const struct wg_key *public_key)
{
    bool there;
    size_t at = find(d, public_key, &there);
    if (there)
        return &d->peers[at];
    d->peers = grow(d->peers, d->n_peers, sizeof(*d->peers));
    memmove(&d->peers[at + 1], &d->peers[at], (d->n_peers - at) * sizeof(*d->peers));
    d->n_peers++;
    d->peers[at] = (struct wg_peer){.public_key = *public_key};
    return &d->peers[at];
}

struct wg_peer *wg_device_append(struct wg_device *d)
{
    d->peers = grow(d->peers, d->n_peers, sizeof(*d->peers));
    struct wg_peer *p = &d->peers[d->n_peers++];
    *p = (struct wg_peer){0};
    return p;
}

static int by_key(const void *a, const void *b)
{
    return wg_key_compare(&((const struct wg_peer *)a)->public_key, &((const struct wg_peer *)b)->public_key);
}

int wg_device_sort(struct wg_device *d)
{
    if (d->n_peers > 0)
        qsort(d->peers, d->n_peers, sizeof(*d->peers), by_key);
    for (size_t i = 1; i < d->n_peers; i++)
        if (by_key(&d->peers[i - 1], &d->peers[i]) == 0)
            return -EBADMSG;
    return 0;
}

void wg_device_remove(struct wg_device *d, const struct wg_key *public_key)
{
    bool there;
    size_t at = find(d, public_key, &there);
    if (!there)
        return;
    peer_done(&d->peers[at]);
    memmove(&d->peers[at], &d->peers[at + 1], (d->n_peers - at - 1) * sizeof(*d->peers));
    d->n_peers--;
    explicit_bzero(&d->peers[d->n_peers], sizeof(*d->peers));
}

void wg_peer_allow(struct wg_peer *p, struct net_prefix prefix)
{
    size_t at = p->n_allowed;
    while (at > 0 && net_prefix_compare(p->allowed[at - 1], prefix) >= 0)
        at--;
    if (at < p->n_allowed && net_prefix_eq(p->allowed[at], prefix))
        return;
    p->allowed = grow(p->allowed, p->n_allowed, sizeof(*p->allowed));
    memmove(&p->allowed[at + 1], &p->allowed[at], (p->n_allowed - at) * sizeof(*p->allowed));
    p->allowed[at] = prefix;
    p->n_allowed++;
}
