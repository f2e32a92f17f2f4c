/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Change hub: revisions in commit order. A mutation writes its `changes` rows inside its own transaction with
 * change_add(), without a number; one sequencer per cluster numbers rows that are already committed, makes that
 * durable, and then every process tells its subscribers.
 */
#pragma once
#include "server/db/db.h"

struct hub;

/* Inside the mutation's transaction, after the object row is written. kind = noun of the object ("resource"),
 * op = "added", "modified" or "deleted". The worker's commit wakes the sequencer. */
int change_add(struct db *db, const char *kind, const char *object, const char *op) MUSTCHECK;

struct change {
    int64_t revision;
    const char *kind, *object, *op;
};

/* On the hub's thread, in order, without gaps: every change with from < revision <= to. n = 0 with from == to: a
 * new epoch began, nothing before it holds. */
typedef void hub_fn(void *arg, int64_t from, int64_t to, const struct change *changes, size_t n);
/* Before hub_start() or later; never taken back. */
void hub_subscribe(struct hub *hub, hub_fn *fn, void *arg);

/* What has been published so far, as one consistent triple. `since` is servable when its epoch is equal and
 * floor <= n <= revision. */
enum { HUB_EPOCH_LEN = 17 };
struct hub_state {
    char epoch[HUB_EPOCH_LEN];
    int64_t revision, floor;
};
struct hub_state hub_state(struct hub *hub);
/* clock_boot_ms() of the beginning of the last pass that published everything: what was committed before is known to
 * all subscribers. Far back when numbering or reading fails, here or, on a node that does not number, elsewhere. */
int64_t hub_current_ms(struct hub *hub);
/* "epoch.n" both ways. */
enum { REVISION_TEXT_LEN = HUB_EPOCH_LEN + 21 };
void revision_format(const char *epoch, int64_t n, char out[static REVISION_TEXT_LEN]);
int revision_parse(const char *s, char epoch[static HUB_EPOCH_LEN], int64_t *n) MUSTCHECK;
/* 0, or -ESTALE when an agent that was at `since` has to list again (410). */
int hub_check_since(struct hub *hub, const char *since, int64_t *n) MUSTCHECK;
