/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real kernel behind reconcile: the WireGuard engine, the nftables table and the tunnel's interface. Opening it
 * attaches to what an earlier agent left running.
 */
#pragma once
#include "gateway/reconcile.h"
#include "wireguard/engine.h"

struct kernel_options {
    const char *interface, *engine, *engine_log; /* engine: program, engine_log: file or NULL */
};

struct kernel {
    struct kernel_options options;
    char table[32];
    struct nft *nft;
    struct engine *engine; /* NULL while it is dead */
    struct net_prefix pools[2];
    size_t n_pools;
};

extern const struct kernel_ops kernel_ops;

/* The table first, so that nothing passes before rules are there. Returns 0 or -errno, `step` says which part failed. */
int kernel_open(struct kernel *k, const struct kernel_options *options, const char **step) MUSTCHECK;
/* Leaves everything running. */
void kernel_close(struct kernel *k);
/* Ends the engine and removes the table. */
void kernel_remove(struct kernel *k);
/* After the engine has died or hangs: ends what is left of it and starts another, with interface and routes. */
int kernel_restart_engine(struct kernel *k) MUSTCHECK;
/* True when somebody has removed our table: it is there again, closed, and must be filled. Called often: without the
 * table nothing is enforced. */
bool kernel_lost_table(struct kernel *k);
/* Routes the pools of inner addresses into the tunnel. */
int kernel_route(struct kernel *k, const struct net_prefix *pools, size_t n) MUSTCHECK;
