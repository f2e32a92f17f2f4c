/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_kernel.h"
#include "base/str.h"

static bool fails(struct fake_kernel *k)
{
    return k->fail_in >= 0 && k->fail_in-- == 0;
}

void fake_tick(struct fake_kernel *k, int64_t now_ms)
{
    size_t kept = 0;
    k->now_ms = now_ms;
    for (size_t i = 0; i < k->n_grants; i++)
        if (k->grants[i].until_ms > now_ms)
            k->grants[kept++] = k->grants[i];
    k->n_grants = kept;
}

const struct plan_grant *fake_find(const struct fake_kernel *k, struct net_addr inner, uint32_t mark)
{
    for (size_t i = 0; i < k->n_grants; i++)
        if (net_addr_eq(k->grants[i].inner, inner) && k->grants[i].mark == mark)
            return &k->grants[i];
    return NULL;
}

void fake_flush(struct fake_kernel *k)
{
    k->n_grants = k->n_classes = 0;
}

void fake_kill_engine(struct fake_kernel *k)
{
    wg_device_done(&k->device);
}

static void on_begin(void *arg)
{
    struct fake_kernel *k = arg;
    k->n_staged = k->n_staged_classes = 0;
    k->classes_staged = false;
}

static bool same_box(const struct nft_box *a, const struct nft_box *b)
{
    return net_prefix_eq(a->prefix, b->prefix) && a->port_first == b->port_first;
}

static int on_set_classes(void *arg, struct nft_class *classes, size_t n)
{
    struct fake_kernel *k = arg;
    k->classes_staged = true;
    for (size_t i = 0; i < n; i++) {
        classes[i].mark = 0;
        for (size_t j = 0; j < k->n_classes; j++)
            if (same_box(&k->classes[j].box, &classes[i].boxes[0]))
                classes[i].mark = k->classes[j].mark;
        if (!classes[i].mark)
            classes[i].mark = ++k->next_mark;
        k->staged_classes[k->n_staged_classes++] = (struct fake_class){classes[i].boxes[0], classes[i].mark};
    }
    return fails(k) || k->fail_classes ? -EIO : 0;
}

static void on_set_grant(void *arg, struct net_addr inner, uint32_t mark, int64_t left_ms)
{
    struct fake_kernel *k = arg;
    k->staged[k->n_staged++] = (struct plan_grant){inner, mark, k->now_ms + left_ms};
}

static void on_drop_grant(void *arg, struct net_addr inner, uint32_t mark)
{
    struct fake_kernel *k = arg;
    k->staged[k->n_staged++] = (struct plan_grant){inner, mark, 0};
}

static void drop(struct fake_kernel *k, const struct plan_grant *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < k->n_grants; i++)
        if (!net_addr_eq(k->grants[i].inner, g->inner) || k->grants[i].mark != g->mark)
            k->grants[kept++] = k->grants[i];
    k->n_grants = kept;
}

static void swap_classes(struct fake_kernel *k)
{
    size_t kept = 0;
    memcpy(k->classes, k->staged_classes, sizeof(k->classes));
    k->n_classes = k->n_staged_classes;
    for (size_t i = 0; i < k->n_grants; i++)
        for (size_t j = 0; j < k->n_classes; j++)
            if (k->classes[j].mark == k->grants[i].mark) {
                k->grants[kept++] = k->grants[i];
                break;
            }
    k->n_grants = kept;
}

static int on_commit(void *arg)
{
    struct fake_kernel *k = arg;
    if (fails(k))
        return -EIO;
    if (k->on_commit)
        k->on_commit(k);
    if (k->classes_staged)
        swap_classes(k);
    for (size_t i = 0; i < k->n_staged; i++) {
        drop(k, &k->staged[i]);
        if (k->staged[i].until_ms)
            k->grants[k->n_grants++] = k->staged[i];
    }
    return 0;
}

static int on_read_grants(void *arg, struct nft_grant **out, size_t *n)
{
    struct fake_kernel *k = arg;
    if (fails(k))
        return -EIO;
    *out = xalloc((k->n_grants + 1) * sizeof(**out));
    *n = k->n_grants;
    for (size_t i = 0; i < k->n_grants; i++)
        (*out)[i] = (struct nft_grant){k->grants[i].inner, k->grants[i].mark, k->grants[i].until_ms - k->now_ms};
    return 0;
}

static int on_forget_flows(void *arg, const struct net_addr *inner, size_t n)
{
    struct fake_kernel *k = arg;
    if (fails(k))
        return -EIO;
    k->n_forgotten += n;
    return 0;
}

static void copy_peer(struct wg_device *to, const struct wg_peer *p)
{
    struct wg_peer *q = wg_device_peer(to, &p->public_key);
    q->preshared_key = p->preshared_key;
    q->last_handshake_us = p->last_handshake_us;
    for (size_t i = 0; i < p->n_allowed; i++)
        wg_peer_allow(q, p->allowed[i]);
}

static int on_get_device(void *arg, struct wg_device *out)
{
    struct fake_kernel *k = arg;
    if (fails(k))
        return -EIO;
    for (size_t i = 0; i < k->device.n_peers; i++)
        copy_peer(out, &k->device.peers[i]);
    return 0;
}

/* A failure leaves the first half of the peers as desired and the rest gone. */
static int on_apply_device(void *arg, const struct wg_device *desired)
{
    struct fake_kernel *k = arg;
    struct wg_device next = {0};
    bool fail = fails(k);
    if (k->on_device)
        k->on_device(k, desired);
    for (size_t i = 0; i < (fail ? desired->n_peers / 2 : desired->n_peers); i++) {
        const struct wg_peer *before = wg_device_find(&k->device, &desired->peers[i].public_key);
        copy_peer(&next, &desired->peers[i]);
        if (before)
            wg_device_find(&next, &before->public_key)->last_handshake_us = before->last_handshake_us;
    }
    wg_device_done(&k->device);
    k->device = next;
    return fail ? -EIO : 0;
}

const struct kernel_ops fake_ops = {
    .begin = on_begin,
    .set_classes = on_set_classes,
    .set_grant = on_set_grant,
    .drop_grant = on_drop_grant,
    .commit = on_commit,
    .read_grants = on_read_grants,
    .forget_flows = on_forget_flows,
    .get_device = on_get_device,
    .apply_device = on_apply_device,
};
