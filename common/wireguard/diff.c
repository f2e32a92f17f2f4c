/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "wireguard/uapi.h"

static int by_prefix(const void *a, const void *b)
{
    return net_prefix_compare(*(const struct net_prefix *)a, *(const struct net_prefix *)b);
}

/* A prefix belongs to one peer; given to two, the engine would keep the last and we would never come to rest.
 */
static int check(const struct wg_device *desired)
{
    size_t n = 0, k = 0;
    for (size_t i = 0; i < desired->n_peers; i++)
        n += desired->peers[i].n_allowed;
    if (n < 2)
        return 0;
    struct net_prefix *all = xalloc(n * sizeof(*all));
    for (size_t i = 0; i < desired->n_peers; i++)
        for (size_t j = 0; j < desired->peers[i].n_allowed; j++)
            all[k++] = desired->peers[i].allowed[j];
    qsort(all, n, sizeof(*all), by_prefix);
    int r = 0;
    for (size_t i = 1; i < n && r == 0; i++)
        if (net_prefix_eq(all[i - 1], all[i]))
            r = -EEXIST;
    free(all);
    return r;
}

static void diff_device(const struct wg_device *actual, const struct wg_device *desired, struct buf *set)
{
    if (!bytes_eq_ct(actual->private_key.b, desired->private_key.b, WG_KEY_LEN))
        uapi_set_private_key(set, &desired->private_key);
    if (desired->listen_port && desired->listen_port != actual->listen_port)
        uapi_set_listen_port(set, desired->listen_port);
    if (desired->fwmark != actual->fwmark)
        uapi_set_fwmark(set, desired->fwmark);
}

/* Splits a list against another: *n_missing of `want` are not in `have` (copied to `missing`); true when
 * `have` holds something that is not wanted. */
static bool compare_allowed(const struct wg_peer *have, const struct wg_peer *want, struct net_prefix *missing,
                            size_t *n_missing)
{
    bool surplus = false;
    size_t i = 0, j = 0;
    *n_missing = 0;
    while (i < have->n_allowed || j < want->n_allowed) {
        int c = i == have->n_allowed   ? 1
                : j == want->n_allowed ? -1
                                       : net_prefix_compare(have->allowed[i], want->allowed[j]);
        if (c < 0)
            surplus = true;
        if (c > 0)
            missing[(*n_missing)++] = want->allowed[j];
        i += c <= 0;
        j += c >= 0;
    }
    return surplus;
}

static void diff_allowed(const struct wg_peer *have, const struct wg_peer *want, struct buf *set)
{
    struct net_prefix *missing = xalloc((want->n_allowed + 1) * sizeof(*missing));
    size_t n_missing;
    if (compare_allowed(have, want, missing, &n_missing))
        uapi_peer_replace_allowed(set, &want->public_key, want->allowed, want->n_allowed);
    else if (n_missing > 0)
        uapi_peer_allow(set, &want->public_key, missing, n_missing);
    free(missing);
}

static bool same_endpoint(struct net_endpoint a, struct net_endpoint b)
{
    return a.port == b.port && net_addr_eq(a.addr, b.addr);
}

static bool same_psk(const struct wg_peer *a, const struct wg_peer *b)
{
    return bytes_eq_ct(a->preshared_key.b, b->preshared_key.b, WG_KEY_LEN);
}

static void diff_peer(const struct wg_peer *have, const struct wg_peer *want, struct buf *set)
{
    if (!same_psk(have, want)) {
        uapi_peer_add(set, want); /* the walk of removals took the old one away */
        return;
    }
    if (want->endpoint.port && !same_endpoint(have->endpoint, want->endpoint))
        uapi_peer_endpoint(set, &want->public_key, want->endpoint);
    diff_allowed(have, want, set);
    if (have->keepalive_s != want->keepalive_s)
        uapi_peer_keepalive(set, &want->public_key, want->keepalive_s);
}

enum pass { REMOVALS, CHANGES };

/* Removals come first, so that a prefix which moves to another peer is free before it is given. */
static void walk(const struct wg_device *actual, const struct wg_device *desired, enum pass pass, struct buf *set)
{
    size_t i = 0, j = 0;
    while (i < actual->n_peers || j < desired->n_peers) {
        const struct wg_peer *have = i < actual->n_peers ? &actual->peers[i] : NULL;
        const struct wg_peer *want = j < desired->n_peers ? &desired->peers[j] : NULL;
        int c = !have ? 1 : !want ? -1 : wg_key_compare(&have->public_key, &want->public_key);
        i += c <= 0;
        j += c >= 0;
        if (pass == REMOVALS && (c < 0 || (c == 0 && !same_psk(have, want))))
            uapi_peer_remove(set, &have->public_key);
        if (pass == CHANGES && c > 0)
            uapi_peer_add(set, want);
        if (pass == CHANGES && c == 0)
            diff_peer(have, want, set);
    }
}

int uapi_diff(const struct wg_device *actual, const struct wg_device *desired, struct buf *set)
{
    int r = check(desired);
    if (r)
        return r;
    size_t start = set->len;
    uapi_set_begin(set);
    size_t empty = set->len;
    diff_device(actual, desired, set);
    walk(actual, desired, REMOVALS, set);
    walk(actual, desired, CHANGES, set);
    if (set->len > empty) {
        uapi_set_end(set);
        return 0;
    }
    set->len = start;
    if (set->data)
        set->data[start] = '\0';
    return 0;
}
