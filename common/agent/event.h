/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the state stream as a typed event. Pure. An event owns the memory of its texts and item; what this
 * version does not know (types, kinds, fields) is ignored, what it knows must be right.
 */
#pragma once
#include "proto/agent.h"

enum event_type {
    EVENT_IGNORED, /* of a type or kind that this version does not know */
    EVENT_ADDED,
    EVENT_MODIFIED,
    EVENT_DELETED,
    EVENT_BOOKMARK,
    EVENT_RENEWAL,
    EVENT_ERROR,
};

struct event_kind {
    const char *name;
    const struct rec *item, *line;
};

/* Which kinds an agent of this role is sent; the enums below are the indexes. */
struct event_role {
    const char *name;
    const struct event_kind *kinds;
    size_t n_kinds;
};

enum gateway_kind { KIND_SITE, KIND_CLASS, KIND_GATEWAY_CONNECTION, KIND_GRANT };
enum client_kind { KIND_SESSION, KIND_RESOURCE, KIND_CLIENT_CONNECTION };
extern const struct event_role gateway_role, client_role;

enum { EVENT_LINE_MAX = 4 << 20, EVENT_ID_MAX = 64 };

struct event {
    enum event_type type;
    unsigned kind; /* index into the role's kinds (ADDED, MODIFIED, DELETED) */
    int64_t at_ms;
    const char *id;       /* "" when absent */
    const char *revision; /* "" when absent */
    const char *reason;   /* NULL when absent */
    bool initial_end;
    const void *item; /* ADDED, MODIFIED: record of the kind; RENEWAL: struct renewal_state */
    struct arena memory;
};

/* Returns 0 or -EBADMSG; the event must be given to event_done() only after 0. */
int event_parse(const struct event_role *role, const char *line, size_t len, struct event *out) MUSTCHECK;
void event_done(struct event *e);

/* Local deadline of an item: never later than the truth, because the request was started before it was received.
 * INT64_MAX when this item does not end by itself. */
int64_t event_until_ms(const struct event_kind *kind, const void *item, int64_t started_ms, int64_t at_ms);
