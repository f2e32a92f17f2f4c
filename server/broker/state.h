/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Insides of the broker. One refresh job at a time changes the published state (world, live, revision); renderings and
 * handlers read it under the lock. What agents were told has a lock for each agent.
 */
#pragma once
#include "crypto/secret.h"
#include "server/broker/live.h"
#include "server/broker/view.h"
#include "server/broker/world.h"
#include "server/core/core.h"
#include "server/db/pool.h"
#include "server/domain/addressing.h"
#include <pthread.h>

struct watch;

/* A gateway or device that has, or lately had, a state stream. */
struct agent {
    char id[ID_LEN_MAX];
    enum agent_kind kind;
    pthread_mutex_t lock; /* view */
    struct view view;
    char epoch[HUB_EPOCH_LEN]; /* of the view's revisions */
    /* Under agents_lock. */
    struct watch *watch;   /* the stream that counts; NULL while there is none */
    struct stream *stream; /* its stream, referenced */
    size_t n_watches;      /* streams that still refer to it, older ones included: it is not forgotten before them */
    int64_t closed_ms;     /* when the last one ended */
    bool leaving;          /* it said goodbye */
};

/* What changed and has not been looked at yet. */
struct pending {
    bool everything, world;
    int64_t to;
    struct buf ids; /* struct pending_id */
};

enum pending_kind { PENDING_SESSION, PENDING_CONNECTION, PENDING_LEASE, PENDING_KINDS };
struct pending_id {
    enum pending_kind kind;
    char id[ID_LEN_MAX];
};

struct broker {
    struct core *core;
    struct inner_pools pools;

    pthread_rwlock_t lock; /* what is published: */
    struct world *world;
    struct live live;
    int64_t revision;
    char epoch[HUB_EPOCH_LEN];
    struct map obituaries; /* id of what ended -> its stable reason */

    pthread_mutex_t pending_lock;
    struct pending pending;
    bool refreshing; /* the job is queued or runs */
    struct pool_job refresh;
    int64_t ahead_us; /* wall time minus CLOCK_BOOTTIME at the last look; the job's own */

    pthread_mutex_t agents_lock;
    struct map agents; /* id -> struct agent */

    pthread_mutex_t secrets_lock;
    struct map secrets; /* connection -> struct secret, 32 bytes: `r` */

    atomic_llong followed_ms;               /* clock_boot_ms() up to which what was committed is surely known here */
    atomic_llong renewal_next, renewal_end; /* numbers that were reserved */
};

extern struct broker *the_broker; /* of this process, set by broker_start() */

/* --- refresh.c --- */
/* Reads everything anew now, on this worker. */
int broker_load(struct broker *b, struct db *db) MUSTCHECK;
hub_fn broker_on_changes;
/* False when changes may have been waiting for long, for example because revocations cannot be written down: then what
 * is published must be told to nobody, and nothing be renewed. */
bool broker_follows(const struct broker *b);
/* Looks at what time alone has changed, and tries again what failed. */
void broker_nudge(struct broker *b);

/* --- agents.c --- */
/* For one watch, until agent_release(). */
struct agent *agent_need(struct broker *b, const char *id, enum agent_kind kind);
void agent_release(struct broker *b, struct agent *agent);
/* Ends its stream and counts it as gone: somebody else has its place now. */
void agent_evict(struct broker *b, const char *id);
bool agent_online(struct broker *b, const char *id);
void agent_mark(struct broker *b, const char *id);
void agents_mark_all(struct broker *b);
/* Forgets agents that have been away for long. */
void agents_prune(struct broker *b);

/* --- secrets.c --- */
void secret_keep(struct broker *b, const char *connection, const uint8_t r[static 32]);
void secret_forget(struct broker *b, const char *connection);
/* Copies it out; false when this process does not have it. */
bool secret_of(struct broker *b, const char *connection, uint8_t r[static 32]);

/* The world of now, referenced. */
struct world *broker_world(struct broker *b);
