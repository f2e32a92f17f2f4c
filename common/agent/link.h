/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent's link to posternd: keeps the state stream alive (back-off, bookmarks, listing anew after 410), holds the
 * desired state, carries unary calls on the same connection and renews the certificate. The owner reacts to the state
 * as a whole: on_state says that it changed, never how.
 */
#pragma once
#include "agent/http.h"
#include "agent/identity.h"
#include "agent/store.h"
#include "agent/timing.h"

struct link;

struct link_ops {
    /* The state is complete and something in it changed, or it was listed anew. Times of items are in the store; the
     * owner arms its own timer for store_next_end(). */
    void (*on_state)(void *arg);
    /* Gateways only; the signature is not checked yet. */
    void (*on_renewal)(void *arg, const struct renewal_state *renewal, int64_t issued_by_ms);
    /* For people: an item went, with the server's reason (may be NULL). */
    void (*on_deleted)(void *arg, unsigned kind, const char *id, const char *reason);
    void (*on_connected)(void *arg);
    void (*on_lost)(void *arg, const char *why);
    /* posternd refuses this device (403): blocked or deleted. Tried again with back-off. */
    void (*on_refused)(void *arg, const char *why);
};

struct link_options {
    struct loop *loop;
    struct identity *identity; /* outlives the link; its certificate may be replaced */
    const struct event_role *role;
    int stall_s; /* silence that means a dead server: three heartbeats */
    const struct link_ops *ops;
    void *arg;
};

struct link *link_new(const struct link_options *options) MUSTCHECK;
void link_free(struct link *l);
void link_start(struct link *l);

/* The desired state. Until the first whole listing it is not complete: then link_synced() is false. */
const struct store *link_store(const struct link *l);
bool link_synced(const struct link *l);
bool link_connected(const struct link *l);
/* Revision of the last bookmark, "" before the first. */
const char *link_revision(const struct link *l);
/* Forgets the revision and lists everything again, now. */
void link_relist(struct link *l);

/* Unary call "/agent/v1" + path with a record as body (NULL: none). on_done as in http.h. */
struct http_call *link_call(struct link *l, const char *method, const char *path, const struct rec *rec,
                            const void *body, http_done_fn *on_done, void *arg);
