/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One rendering of an agent's state: the items that should be are offered, what differs from what the agent was told
 * becomes lines of the stream. The broker's read lock and the agent's lock are held all the while.
 */
#pragma once
#include "server/broker/state.h"

struct rendering {
    struct broker *b;
    const struct agent *agent;
    struct view *view;
    struct arena *arena;
    const char *revision; /* "epoch.n" */
    int64_t at_ms;        /* since the stream's request was received */
    int64_t now_us;       /* wall time */
    struct buf *removed, *changed, *removed_last, *scratch;
    size_t n_lines;
};

/* Items that go are told in falling order of rank, classes after everything that was added. */
enum { RANK_CLASS, RANK_SITE, RANK_RESOURCE, RANK_SESSION, RANK_CONNECTION, RANK_GRANT };

/* Offers a record. valid_for_ms points into it and is set from until_us (wall time); NULL when it does not end by
 * itself. The record may be reused afterwards. */
void render_offer(struct rendering *r, unsigned rank, const char *kind, const char *id, const struct rec *rec,
                  void *record, int64_t *valid_for_ms, int64_t until_us);
/* Offers something whose content never changes under its id; true: send it with render_send(). */
bool render_offer_constant(struct rendering *r, unsigned rank, const char *kind, const char *id) MUSTCHECK;
void render_send(struct rendering *r, const char *kind, const char *id, const struct rec *rec, const void *record);

/* All items of an agent. Returns 0, -ENOENT when it is not known any more, -EACCES when it is blocked. */
int render_gateway(struct rendering *r, const char *gateway) MUSTCHECK;
int render_client(struct rendering *r, const char *device) MUSTCHECK;

/* Why a resource is not the client's any more, in words for its user. */
const char *render_resource_reason(const struct rendering *r, const char *device, const char *resource);

/* Renders everything and appends the lines. */
int render(struct broker *b, struct agent *agent, int64_t at_ms, struct buf *out, size_t *n_lines) MUSTCHECK;
void render_bookmark(const char *revision, int64_t at_ms, bool initial_end, struct buf *out);
void render_error(const char *reason, int64_t at_ms, struct buf *out);
