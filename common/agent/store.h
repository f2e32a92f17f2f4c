/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desired state as the stream has told it: items by kind and id, sorted, each with its local deadline. Pure; times
 * are clock_boot_ms() given by the caller. The store owns its items; a pointer holds until the item changes.
 */
#pragma once
#include "agent/event.h"

struct store_item {
    unsigned kind;
    const char *id;
    int64_t until_ms; /* INT64_MAX: does not end by itself */
    const void *record;
    struct arena memory;
    bool listed; /* seen since store_list_begin() */
};

struct store {
    const struct event_role *role;
    struct store_item **items; /* sorted by kind, then id */
    size_t n, cap;
};

void store_init(struct store *s, const struct event_role *role);
void store_done(struct store *s);

/* A full listing begins: nothing is dropped yet. */
void store_list_begin(struct store *s);
/* The listing is complete: items that it did not name are dropped. Returns how many. */
size_t store_list_end(struct store *s);
/* Applies ADDED, MODIFIED or DELETED and takes over the event's memory; other events are left alone. started_ms: when
 * the stream's request was started. Returns true when the store changed. */
bool store_apply(struct store *s, struct event *e, int64_t started_ms);

/* NULL when there is none or it has ended. */
const struct store_item *store_find(const struct store *s, unsigned kind, const char *id, int64_t now_ms);
/* First and following living items of a kind in order of id; NULL at the end. */
const struct store_item *store_first(const struct store *s, unsigned kind, int64_t now_ms);
const struct store_item *store_next(const struct store *s, const struct store_item *after, int64_t now_ms);
#define store_for_each(it, s, kind, now_ms) \
    for (const struct store_item *it = store_first(s, kind, now_ms); it; it = store_next(s, it, now_ms))
/* The next instant after now_ms at which an item ends; INT64_MAX when none does. */
int64_t store_next_end(const struct store *s, int64_t now_ms);
