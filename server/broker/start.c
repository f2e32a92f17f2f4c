/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Beginning, and what comes round by time: sessions that are over, connections that wait in vain, old rows. */
#include "base/log.h"
#include "base/str.h"
#include "server/broker/broker.h"
#include "server/broker/ledger.h"
#include "server/broker/state.h"
#include "server/core/keys.h"
#include "server/store/sql.h"

enum {
    SWEEP_MS = 1000,
    PRUNE_MS = 10 * 60000,
    RENEWALS_BLOCK = 1 << 20,
    SWEEP_MEMORY = 16 << 20,
};

struct broker *the_broker;

/* --- endings by time --- */

struct sweep_job {
    struct arena *arena;
    bool orphans; /* connections that the last process left half done */
};

static int end_sessions(struct db *db, struct arena *a)
{
    struct id_row *rows;
    size_t n;
    int r = db_all(db, SQL_SESSIONS_OVER, DB_NONE, a, (void **)&rows, &n);
    for (size_t i = 0; !r && i < n; i++)
        r = ledger_end_session(db, a, rows[i].id,
                               &(struct ending){.code = "session_over", .why = "the session is over", .expired = true});
    return r;
}

static int end_connection(struct db *db, struct arena *a, const char *id, bool orphan)
{
    static const struct ending replaced = {.code = "replaced", .why = "a new key took over"};
    static const struct ending silent = {.code = "gateway_silent", .why = "the gateway did not answer in time"};
    static const struct ending restarted = {.code = "server_restarted", .why = "core restarted during set-up"};
    struct connection_head head;
    int r = db_one(db, SQL_CONNECTION_LOCK, DB_ARGS(DB_STR("id", id)), a, &head);
    if (r == -ENOENT)
        return 0;
    if (r)
        return r;
    if (head.state == LINK_READY)
        return ledger_end_connection(db, a, id, LINK_ENDED, &replaced);
    return ledger_end_connection(db, a, id, LINK_FAILED, orphan ? &restarted : &silent);
}

static int sweep_step(struct db *db, void *arg)
{
    struct sweep_job *job = arg;
    struct id_row *rows;
    size_t n;
    int r = end_sessions(db, job->arena);
    if (!r)
        r = db_all(db, job->orphans ? SQL_CONNECTIONS_ORPHANED : SQL_CONNECTIONS_DUE, DB_NONE, job->arena,
                   (void **)&rows, &n);
    for (size_t i = 0; !r && i < n; i++)
        r = end_connection(db, job->arena, rows[i].id, job->orphans);
    return r;
}

static int sweep(struct db *db, bool orphans)
{
    struct arena arena;
    struct sweep_job job = {&arena, orphans};
    arena_init(&arena, SWEEP_MEMORY);
    int r = db_transact(db, sweep_step, &job);
    arena_done(&arena);
    return r;
}

/* Takes the next block of numbers when half of the last one is used up. */
static int reserve_renewals(struct broker *b, struct db *db)
{
    struct arena arena;
    struct counter_row row;
    long long left = atomic_load(&b->renewal_end) - atomic_load(&b->renewal_next);
    if (left > RENEWALS_BLOCK / 2)
        return 0;
    arena_init(&arena, SWEEP_MEMORY);
    int r = db_one(db, SQL_RENEWALS_RESERVE, DB_ARGS(DB_INT("n", RENEWALS_BLOCK)), &arena, &row);
    if (!r) {
        atomic_store(&b->renewal_next, row.n - RENEWALS_BLOCK + 1);
        atomic_store(&b->renewal_end, row.n + 1);
    }
    arena_done(&arena);
    return r;
}

static void on_sweep(struct core *core, struct db *db, void *arg)
{
    struct broker *b = arg;
    int r = sweep(db, false);
    if (!r)
        r = reserve_renewals(b, db);
    if (r)
        log_warn("the broker's round failed: %s", strerror(-r));
    broker_nudge(b);
}

static void on_prune(struct core *core, struct db *db, void *arg)
{
    static const size_t statements[] = {SQL_LEASES_PRUNE, SQL_CONNECTIONS_PRUNE, SQL_SESSIONS_PRUNE};
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_LEN(statements); i++)
        r = db_run(db, statements[i], DB_NONE, NULL);
    if (r)
        log_warn("old sessions and leases were not removed: %s", strerror(-r));
    agents_prune(arg);
}

/* --- beginning --- */

static struct broker *broker_new(struct core *core)
{
    struct broker *b = xalloc(sizeof(*b));
    b->core = core;
    b->pools = inner_pools_of(core_keys(core)->organisation);
    pthread_rwlock_init(&b->lock, NULL);
    pthread_mutex_init(&b->pending_lock, NULL);
    pthread_mutex_init(&b->agents_lock, NULL);
    pthread_mutex_init(&b->secrets_lock, NULL);
    return b;
}

int broker_start(struct core *core, struct db *db)
{
    if (the_broker && the_broker->world)
        return 0;
    if (!the_broker)
        the_broker = broker_new(core);
    struct broker *b = the_broker;
    int r = sweep(db, true);
    if (!r)
        r = reserve_renewals(b, db);
    if (!r)
        r = broker_load(b, db);
    if (r)
        return r;
    hub_subscribe(core_hub(core), broker_on_changes, b);
    core_every(core, SWEEP_MS, on_sweep, b);
    core_every(core, PRUNE_MS, on_prune, b);
    log_info("broker: %zu people, %zu resources, %zu live leases", b->world->n_people, b->world->n_resources,
             b->live.leases.len);
    return 0;
}
