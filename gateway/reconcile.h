/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the kernel what the desired state says, in an order that never opens more than that: first what must close,
 * then peers, then what may open. Reads what is there before it writes, so it may die and start again at any point.
 * The kernel is behind a table of functions, so that tests can fail it at every step.
 */
#pragma once
#include "agent/store.h"
#include "gateway/nft/nft.h"
#include "gateway/plan.h"
#include "gateway/renewals.h"

/* All return 0 or -errno; begin/set/drop collect, commit does all or nothing (see gateway/nft/nft.h). */
struct kernel_ops {
    void (*begin)(void *k);
    int (*set_classes)(void *k, struct nft_class *classes, size_t n);
    void (*set_grant)(void *k, struct net_addr inner, uint32_t mark, int64_t left_ms);
    void (*drop_grant)(void *k, struct net_addr inner, uint32_t mark);
    int (*commit)(void *k);
    int (*read_grants)(void *k, struct nft_grant **out, size_t *n);
    int (*forget_flows)(void *k, const struct net_addr *inner, size_t n);
    int (*get_device)(void *k, struct wg_device *out);
    int (*apply_device)(void *k, const struct wg_device *desired);
};

struct class_entry {
    char id[EVENT_ID_MAX + 1];
    uint32_t mark;
    bool v4, v6;
};

/* Which session has an inner address; kept to tell a returning engine from a new user of the address. */
struct owner {
    struct net_addr inner;
    char session[ID_LEN_MAX];
};

struct reconcile {
    const struct kernel_ops *ops;
    void *kernel;
    struct vault *vault;
    const struct renewals *renewals;
    uint16_t listen_port;
    struct grants actual;        /* what we believe to be in the kernel */
    struct wg_device device;     /* as it was read last */
    struct class_entry *classes; /* in force, sorted by id */
    size_t n_classes;
    struct owner *owners;
    size_t n_owners;
    bool grants_known, classes_known, owners_known;
};

void reconcile_init(struct reconcile *r, const struct kernel_ops *ops, void *kernel, struct vault *vault,
                    const struct renewals *renewals, uint16_t listen_port);
void reconcile_done(struct reconcile *r);
/* The next run reads everything from the kernel anew. */
void reconcile_distrust(struct reconcile *r);

/* One pass. closed: nothing is granted whatever the state says. Connections without keys in the vault are left out.
 * Returns 0, or the -errno of the step that failed; the pass may be repeated as it is. */
int reconcile_run(struct reconcile *r, const struct store *store, int64_t now_ms, bool closed) MUSTCHECK;
/* Only takes away what the state does not grant (any more): for when a pass must not open anything. */
int reconcile_shrink(struct reconcile *r, const struct store *store, int64_t now_ms, bool closed) MUSTCHECK;
/* Revokes everything at once. */
int reconcile_close(struct reconcile *r) MUSTCHECK;
/* Forgets keys that no connection needs any more. */
void reconcile_prune(struct reconcile *r, const struct store *store, int64_t now_ms);
/* True while a peer waits for its first handshake, so that the engine must be asked again soon. */
bool reconcile_waiting(const struct reconcile *r, const struct store *store, int64_t now_ms);
/* Puts peers from the vault into a new engine before posternd has said anything. */
int reconcile_restore(struct reconcile *r) MUSTCHECK;
