/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel in memory for tests of reconcile: classes, grants with ends, peers; any step may fail, also half-way. */
#pragma once
#include "gateway/reconcile.h"

enum { FAKE_MAX = 256 };

struct fake_class {
    struct nft_box box; /* the tests give each class one box */
    uint32_t mark;
};

struct fake_kernel {
    int64_t now_ms;
    struct fake_class classes[FAKE_MAX], staged_classes[FAKE_MAX];
    size_t n_classes, n_staged_classes;
    bool classes_staged;
    struct plan_grant grants[FAKE_MAX], staged[FAKE_MAX]; /* staged until_ms 0: drop */
    size_t n_grants, n_staged;
    uint32_t next_mark;
    struct wg_device device;
    size_t n_forgotten; /* addresses whose flows were forgotten */
    long fail_in;       /* this many steps succeed before one fails; negative: none fails */
    bool fail_classes;
    /* Called before a change takes effect. */
    void (*on_commit)(struct fake_kernel *k);
    void (*on_device)(struct fake_kernel *k, const struct wg_device *desired);
};

extern const struct kernel_ops fake_ops;
/* Time passes: elements whose end has come vanish. */
void fake_tick(struct fake_kernel *k, int64_t now_ms);
const struct plan_grant *fake_find(const struct fake_kernel *k, struct net_addr inner, uint32_t mark);
/* Somebody flushes the rules; the engine dies. */
void fake_flush(struct fake_kernel *k);
void fake_kill_engine(struct fake_kernel *k);
