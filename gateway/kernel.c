/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/kernel.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "wireguard/device_net.h"
#include <stdio.h>

/* A setting that only the host's administrator may change is checked, and changed where we may. */
static void enable_forwarding(const char *path)
{
    BUF_AUTO text = {0};
    if (file_read(path, 16, &text) || (text.len && text.data[0] == '1'))
        return;
    FILE *f = fopen(path, "we");
    if (!f || fputs("1\n", f) < 0 || fflush(f))
        log_warn("%s is off and cannot be changed here: packets will not reach resources", path);
    if (f)
        fclose(f);
}

static int start_engine(struct kernel *k)
{
    bool attached;
    struct engine_options options = {
        .interface = k->options.interface, .program = k->options.engine, .log_path = k->options.engine_log};
    int r = engine_start(&options, &k->engine, &attached);
    if (r)
        return r;
    log_info(attached ? "found the engine of %s running" : "started an engine for %s", k->options.interface);
    r = device_up(k->options.interface, DEVICE_MTU);
    return r ? r : kernel_route(k, k->pools, k->n_pools);
}

static int open_table(struct kernel *k)
{
    struct nft_options options = {.table = k->table, .tunnel = k->options.interface};
    return nft_open(&options, &k->nft);
}

int kernel_open(struct kernel *k, const struct kernel_options *options, const char **step)
{
    *k = (struct kernel){.options = *options};
    snprintf(k->table, sizeof(k->table), "postern-%s", options->interface);
    enable_forwarding("/proc/sys/net/ipv4/ip_forward");
    enable_forwarding("/proc/sys/net/ipv6/conf/all/forwarding");
    *step = "nftables";
    int r = open_table(k);
    if (r)
        return r;
    *step = "WireGuard";
    r = start_engine(k);
    if (r)
        kernel_close(k);
    return r;
}

void kernel_close(struct kernel *k)
{
    engine_free(k->engine);
    nft_close(k->nft);
    k->engine = NULL;
    k->nft = NULL;
}

void kernel_remove(struct kernel *k)
{
    engine_stop(k->engine);
    k->engine = NULL;
    nft_close(k->nft);
    k->nft = NULL;
    if (nft_remove(k->table))
        log_warn("nftables table %s could not be removed", k->table);
}

int kernel_restart_engine(struct kernel *k)
{
    engine_stop(k->engine);
    k->engine = NULL;
    return start_engine(k);
}

int kernel_route(struct kernel *k, const struct net_prefix *pools, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int r = device_route_add(k->options.interface, pools[i], NULL, DEVICE_TABLE_MAIN);
        if (r)
            return r;
        k->pools[i] = pools[i];
    }
    k->n_pools = n;
    return 0;
}

static void on_begin(void *arg)
{
    struct kernel *k = arg;
    nft_begin(k->nft);
}

static int on_set_classes(void *arg, struct nft_class *classes, size_t n)
{
    struct kernel *k = arg;
    return nft_set_classes(k->nft, classes, n);
}

static void on_set_grant(void *arg, struct net_addr inner, uint32_t mark, int64_t left_ms)
{
    struct kernel *k = arg;
    nft_set_grant(k->nft, inner, mark, left_ms);
}

static void on_drop_grant(void *arg, struct net_addr inner, uint32_t mark)
{
    struct kernel *k = arg;
    nft_drop_grant(k->nft, inner, mark);
}

/* Somebody flushed the ruleset or changed ours: it comes back closed, and the next pass opens it as it should be. */
static int remake_table(struct kernel *k)
{
    log_error("the nftables table %s was changed or removed by somebody else; making it again", k->table);
    return k->nft ? nft_remake(k->nft) : open_table(k);
}

bool kernel_lost_table(struct kernel *k)
{
    int r = k->nft ? nft_check(k->nft) : -ENOENT;
    if (r != -ESTALE && r != -ENOENT)
        return false; /* as it should be, or the kernel did not tell: the next tick asks again */
    r = remake_table(k);
    if (r)
        log_error("nftables: %s", strerror(-r));
    return true;
}

static int on_commit(void *arg)
{
    struct kernel *k = arg;
    int r = nft_commit(k->nft);
    if (r != -ENOENT)
        return r;
    r = remake_table(k);
    return r ? r : -EAGAIN;
}

static int on_read_grants(void *arg, struct nft_grant **out, size_t *n)
{
    struct kernel *k = arg;
    if (!k->nft) {
        int r = open_table(k);
        if (r)
            return r;
    }
    return nft_read_grants(k->nft, out, n);
}

static int on_forget_flows(void *arg, const struct net_addr *inner, size_t n)
{
    struct kernel *k = arg;
    return nft_forget_flows(k->nft, inner, n);
}

static int on_get_device(void *arg, struct wg_device *out)
{
    struct kernel *k = arg;
    return k->engine ? engine_get(k->engine, out) : -ENOTCONN;
}

static int on_apply_device(void *arg, const struct wg_device *desired)
{
    struct kernel *k = arg;
    return k->engine ? engine_apply(k->engine, desired, NULL) : -ENOTCONN;
}

const struct kernel_ops kernel_ops = {
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
