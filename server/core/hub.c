/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "server/core/hub_private.h"
#include "server/store/records.h"
#include "server/store/sql.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    BUSY_MS = 5,    /* until the next look after there was something to number */
    IDLE_MS = 1000, /* the safety net for lost notifications */
    NOTIFY_MS = 20, /* at most one notification in this time */
    AWAY_MS = 100,  /* between attempts while the database is away */
    PRUNE_MS = 60000,
    KEEP_ROWS = 10000, /* whatever their age */
    KEEP_SECONDS = 3600,
    SUBSCRIBERS_MAX = 8,
    BATCH_ARENA = 16 << 20,
};

struct hub {
    char *conninfo;
    const struct db_table *table;
    pthread_t thread;
    bool started;
    int wake_fd;
    atomic_bool stopping, signalled;
    atomic_llong current_ms;

    pthread_mutex_t lock; /* the state and the subscribers */
    struct hub_state state;
    struct {
        hub_fn *fn;
        void *arg;
    } subscribers[SUBSCRIBERS_MAX];
    size_t n_subscribers;

    /* Of the thread alone. */
    struct db *db;
    uint64_t session; /* that LISTEN and the lock belong to */
    bool sequencer;   /* holds the cluster's lock */
    bool notify_due;
    int64_t notified_ms, pruned_ms;
};

void hub_signal(void *arg)
{
    struct hub *hub = arg;
    atomic_store(&hub->signalled, true);
    if (eventfd_write(hub->wake_fd, 1)) {
        /* EAGAIN: it is being woken anyway */
    }
}

void hub_subscribe(struct hub *hub, hub_fn *fn, void *arg)
{
    pthread_mutex_lock(&hub->lock);
    if (hub->n_subscribers == SUBSCRIBERS_MAX)
        abort();
    hub->subscribers[hub->n_subscribers].fn = fn;
    hub->subscribers[hub->n_subscribers].arg = arg;
    hub->n_subscribers++;
    pthread_mutex_unlock(&hub->lock);
}

struct hub_state hub_state(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    struct hub_state state = hub->state;
    pthread_mutex_unlock(&hub->lock);
    return state;
}

int64_t hub_current_ms(struct hub *hub)
{
    return atomic_load(&hub->current_ms);
}

int hub_check_since(struct hub *hub, const char *since, int64_t *n)
{
    char epoch[HUB_EPOCH_LEN];
    struct hub_state state = hub_state(hub);
    if (revision_parse(since, epoch, n) || !str_eq(epoch, state.epoch) || *n < state.floor || *n > state.revision)
        return -ESTALE;
    return 0;
}

/* --- publishing --- */

/* The state moves first: a subscriber that looks at it sees at least what it is told. */
static void publish(struct hub *hub, const struct hub_state *next, int64_t from, const struct change *changes, size_t n)
{
    pthread_mutex_lock(&hub->lock);
    hub->state = *next;
    size_t count = hub->n_subscribers;
    pthread_mutex_unlock(&hub->lock);
    for (size_t i = 0; i < count; i++)
        hub->subscribers[i].fn(hub->subscribers[i].arg, from, next->revision, changes, n);
}

/* Pruning is no change, but whoever stopped before it cannot go on. */
static void set_floor(struct hub *hub, int64_t floor)
{
    pthread_mutex_lock(&hub->lock);
    hub->state.floor = floor;
    pthread_mutex_unlock(&hub->lock);
}

static struct hub_state state_of(const struct meta *meta)
{
    struct hub_state state = {.revision = meta->revision, .floor = meta->floor};
    str_copy(state.epoch, sizeof(state.epoch), meta->epoch);
    return state;
}

static int changes_read(struct db *db, int64_t after, struct arena *a, struct change **out, size_t *n)
{
    void *p;
    int r = db_all(db, SQL_CHANGES_AFTER, DB_ARGS(DB_INT("after", after)), a, &p, n);
    const struct change_row *rows = p;
    if (r)
        return r;
    if (!(*out = arena_array(a, *n, sizeof(**out))))
        return -ENOMEM;
    for (size_t i = 0; i < *n; i++)
        (*out)[i] = (struct change){rows[i].revision, rows[i].kind, rows[i].object, rows[i].op};
    return 0;
}

/* Publishes one batch of what was numbered since the last one; *more when there may be another. */
static int publish_batch(struct hub *hub, const struct meta *meta, struct arena *a, bool *more)
{
    struct hub_state now = hub_state(hub), next = state_of(meta);
    struct change *changes;
    size_t n;
    *more = false;
    if (!str_eq(now.epoch, next.epoch) || next.revision < now.revision) {
        publish(hub, &next, next.revision, NULL, 0);
        return 0;
    }
    if (now.revision == next.revision) {
        set_floor(hub, next.floor);
        return 0;
    }
    int r = changes_read(hub->db, now.revision, a, &changes, &n);
    if (r)
        return r;
    if (!n || changes[0].revision != now.revision + 1) {
        /* Away for so long that rows we never saw are pruned: whoever follows has to list again. */
        publish(hub, &next, next.revision, NULL, 0);
        return 0;
    }
    next.revision = changes[n - 1].revision;
    publish(hub, &next, now.revision, changes, n);
    *more = next.revision < meta->revision;
    return 0;
}

static int publish_all(struct hub *hub)
{
    bool more = true;
    int r = 0;
    while (!r && more) {
        struct arena a;
        struct meta meta;
        arena_init(&a, BATCH_ARENA);
        r = db_one(hub->db, SQL_META_GET, DB_NONE, &a, &meta);
        if (!r)
            r = publish_batch(hub, &meta, &a, &more);
        arena_done(&a);
    }
    return r;
}

/* --- numbering --- */

static int flag(struct hub *hub, size_t sql, bool *out)
{
    struct flag answer;
    struct arena a;
    arena_init(&a, 4096);
    int r = db_one(hub->db, sql, DB_NONE, &a, &answer);
    arena_done(&a);
    *out = !r && answer.value;
    return r;
}

/* A database that is a copy of the one that gave out the last revisions must not go on with the same numbers. */
static int check_origin(struct hub *hub, struct arena *a)
{
    struct meta meta;
    struct meta_origin here;
    struct hub_state known = hub_state(hub);
    int r = db_one(hub->db, SQL_META_ORIGIN, DB_NONE, a, &here);
    if (!r)
        r = db_one(hub->db, SQL_META_GET, DB_NONE, a, &meta);
    if (r)
        return r;
    bool went_back = str_eq(known.epoch, meta.epoch) && meta.revision < known.revision;
    if (!meta.origin || !*meta.origin)
        return db_run(hub->db, SQL_META_SET_ORIGIN, DB_ARGS(DB_STR("origin", here.origin)), NULL);
    if (!went_back && str_eq(meta.origin, here.origin))
        return 0;
    log_warn("the database was restored or promoted: a new epoch of revisions begins");
    return db_run(hub->db, SQL_META_NEW_EPOCH, DB_ARGS(DB_STR("origin", here.origin)), NULL);
}

static int become_sequencer(struct hub *hub)
{
    struct arena a;
    int r = flag(hub, SQL_SEQUENCER_LOCK, &hub->sequencer);
    if (r || !hub->sequencer)
        return r;
    arena_init(&a, 65536);
    r = check_origin(hub, &a);
    arena_done(&a);
    if (!r)
        log_info("this process numbers the changes");
    return r;
}

/* *n = rows that got their number. */
static int number(struct hub *hub, int64_t *n)
{
    struct sequenced done;
    struct arena a;
    bool pending;
    *n = 0;
    int r = flag(hub, SQL_CHANGES_PENDING, &pending);
    if (r || !pending)
        return r;
    arena_init(&a, 4096);
    r = db_one(hub->db, SQL_CHANGES_NUMBER, DB_NONE, &a, &done);
    arena_done(&a);
    *n = r ? 0 : done.n;
    return r;
}

static int prune(struct hub *hub)
{
    if (clock_boot_ms() - hub->pruned_ms < PRUNE_MS)
        return 0;
    hub->pruned_ms = clock_boot_ms();
    return db_run(hub->db, SQL_CHANGES_PRUNE, DB_ARGS(DB_INT("keep", KEEP_ROWS), DB_INT("keep_seconds", KEEP_SECONDS)),
                  NULL);
}

/* --- the thread --- */

static int ensure_session(struct hub *hub)
{
    int r = db_ready(hub->db);
    if (r || db_session(hub->db) == hub->session)
        return r;
    hub->sequencer = false;
    r = db_run(hub->db, SQL_CHANGES_LISTEN, DB_NONE, NULL);
    if (!r)
        hub->session = db_session(hub->db);
    return r;
}

/* Tells the other processes: those that wait for numbers, or the one that gives them. */
static int notify(struct hub *hub)
{
    if (!hub->notify_due || clock_boot_ms() - hub->notified_ms < NOTIFY_MS)
        return 0;
    hub->notified_ms = clock_boot_ms();
    hub->notify_due = false;
    return db_run(hub->db, SQL_CHANGES_NOTIFY, DB_NONE, NULL);
}

/* On a node that does not number: whether the one that does has stopped doing so. */
static int look_for_stall(struct hub *hub, bool *stalled)
{
    *stalled = false;
    return hub->sequencer ? 0 : flag(hub, SQL_CHANGES_STALLED, stalled);
}

/* *wait_ms = time until the next pass unless somebody wakes us. */
static int pass(struct hub *hub, int64_t *wait_ms)
{
    int64_t began_ms = clock_boot_ms();
    bool signalled = atomic_exchange(&hub->signalled, false), stalled;
    int64_t n = 0;
    int r = ensure_session(hub);
    if (!r && !hub->sequencer)
        r = become_sequencer(hub);
    if (!r && hub->sequencer)
        r = number(hub, &n);
    if (!r && hub->sequencer)
        r = prune(hub);
    if (!r)
        r = look_for_stall(hub, &stalled);
    if (!r)
        r = publish_all(hub);
    if (!r && !stalled)
        atomic_store(&hub->current_ms, began_ms);
    if (n || (signalled && !hub->sequencer))
        hub->notify_due = true;
    if (!r)
        r = notify(hub);
    *wait_ms = n ? BUSY_MS : hub->notify_due ? NOTIFY_MS : IDLE_MS;
    return r;
}

static void wait_for_work(struct hub *hub, int r, int64_t wait_ms)
{
    eventfd_t ignored;
    if (r || db_wait(hub->db, hub->wake_fd, wait_ms)) {
        /* A signal does not help while the database is away. */
        struct pollfd p = {.fd = -1};
        poll(&p, 1, AWAY_MS);
    }
    if (eventfd_read(hub->wake_fd, &ignored)) {
        /* woken by the database or by time */
    }
}

static void *run(void *arg)
{
    struct hub *hub = arg;
    hub->db = db_new(hub->conninfo, hub->table);
    while (!atomic_load(&hub->stopping)) {
        int64_t wait_ms = IDLE_MS;
        int r = pass(hub, &wait_ms);
        if (r && r != -ENOTCONN)
            log_warn("change hub: %s", strerror(-r));
        wait_for_work(hub, r, wait_ms);
    }
    db_free(hub->db);
    return NULL;
}

struct hub *hub_new(const char *conninfo, const struct db_table *table)
{
    struct hub *hub = xalloc(sizeof(*hub));
    hub->conninfo = str_dup(conninfo);
    hub->table = table;
    hub->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (hub->wake_fd < 0)
        abort();
    pthread_mutex_init(&hub->lock, NULL);
    return hub;
}

int hub_load(struct hub *hub, struct db *db)
{
    struct meta meta;
    struct arena a;
    arena_init(&a, 4096);
    int r = db_one(db, SQL_META_GET, DB_NONE, &a, &meta);
    if (!r) {
        pthread_mutex_lock(&hub->lock);
        hub->state = state_of(&meta);
        pthread_mutex_unlock(&hub->lock);
        atomic_store(&hub->current_ms, clock_boot_ms());
    }
    arena_done(&a);
    return r;
}

void hub_start(struct hub *hub)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&hub->thread, NULL, run, hub))
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hub->started = true;
}

void hub_free(struct hub *hub)
{
    if (!hub)
        return;
    atomic_store(&hub->stopping, true);
    hub_signal(hub);
    if (hub->started)
        pthread_join(hub->thread, NULL);
    pthread_mutex_destroy(&hub->lock);
    close(hub->wake_fd);
    free(hub->conninfo);
    free(hub);
}
