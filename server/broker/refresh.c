/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "server/broker/judge.h"
#include "server/broker/state.h"
#include "server/store/sql.h"

#define REFRESH_MEMORY ((size_t)1 << 30)

enum {
    OBITUARIES_MAX = 50000,
    CLOCK_STEP_US = 1000000,
    BEHIND_MS = 15000, /* a round every second is usual */
};

/* One look at the database and what came of it. */
struct refresh {
    struct broker *b;
    struct pending p;
    struct arena memory;
    const char **named[PENDING_KINDS];
    size_t n_named[PENDING_KINDS];
    struct session_row *sessions;
    struct connection_row *connections;
    struct lease_row *leases;
    size_t n_sessions, n_connections, n_leases;
    struct world *world; /* new one, or NULL when it is as before */
    bool clock_set_back;
    struct judgements judgements;
    struct map touched; /* ids of agents that have something to be told */
};

static void sort_names(struct refresh *f)
{
    const struct pending_id *ids = (const struct pending_id *)(const void *)f->p.ids.data;
    size_t n = f->p.ids.len / sizeof(*ids);
    for (int kind = 0; kind < PENDING_KINDS; kind++) {
        f->named[kind] = xalloc((n + 1) * sizeof(char *));
        for (size_t i = 0; i < n; i++)
            if (ids[i].kind == (enum pending_kind)kind)
                f->named[kind][f->n_named[kind]++] = ids[i].id;
    }
}

static int read_kind(struct refresh *f, struct db *db, size_t sql, enum pending_kind kind, void **rows, size_t *n)
{
    if (!f->p.everything && !f->n_named[kind])
        return 0;
    return db_all(db, sql, DB_ARGS(DB_BOOL("every", f->p.everything), DB_STRS("ids", f->named[kind], f->n_named[kind])),
                  &f->memory, rows, n);
}

static int read_all(struct refresh *f, struct db *db)
{
    char revision[REVISION_TEXT_LEN];
    revision_format(f->b->epoch, f->p.to, revision);
    int r = 0;
    if (f->p.everything || f->p.world)
        r = world_load(db, revision, &f->world);
    if (!r)
        r = read_kind(f, db, SQL_SESSIONS_READ, PENDING_SESSION, (void **)&f->sessions, &f->n_sessions);
    if (!r)
        r = read_kind(f, db, SQL_CONNECTIONS_READ, PENDING_CONNECTION, (void **)&f->connections, &f->n_connections);
    if (!r)
        r = read_kind(f, db, SQL_LEASES_READ, PENDING_LEASE, (void **)&f->leases, &f->n_leases);
    return r;
}

static int read_snapshot(struct refresh *f, struct db *db)
{
    if (!f->p.everything && !f->p.world && !f->p.ids.len)
        return 0;
    int r = db_begin_snapshot(db);
    if (!r)
        r = read_all(f, db);
    if (!r)
        r = db_commit(db);
    db_rollback(db);
    return r;
}

/* --- applying, under the write lock --- */

static void touch(struct refresh *f, const char *agent)
{
    (void)map_set(&f->touched, agent, f);
}

static void touch_connection(struct refresh *f, const struct live_connection *c)
{
    if (!c)
        return;
    touch(f, c->gateway->id);
    touch(f, c->session->device);
}

static void obituary(struct broker *b, const char *id, const char *code)
{
    if (b->obituaries.len >= OBITUARIES_MAX) {
        map_for_each (it, &b->obituaries)
            free(it->value);
        map_done(&b->obituaries);
        b->obituaries = (struct map){0};
    }
    free(map_set(&b->obituaries, id, str_dup(code ? code : "gone")));
}

static void drop_session(struct refresh *f, const char *id, const char *code)
{
    struct live *l = &f->b->live;
    const struct live_session *s = live_session(l, id);
    if (!s)
        return;
    touch(f, s->device);
    list_for_each (it, &s->connections) {
        const struct live_connection *c = container_of(it, struct live_connection, of_session);
        touch_connection(f, c);
        obituary(f->b, c->id, code);
        list_for_each (link, &c->leases)
            obituary(f->b, container_of(link, struct live_lease, of_connection)->id, code);
        secret_forget(f->b, c->id);
    }
    obituary(f->b, id, code);
    live_drop_session(l, id);
}

static void drop_connection(struct refresh *f, const char *id, const char *code)
{
    const struct live_connection *c = live_connection(&f->b->live, id);
    secret_forget(f->b, id);
    if (!c)
        return;
    touch_connection(f, c);
    list_for_each (link, &c->leases)
        obituary(f->b, container_of(link, struct live_lease, of_connection)->id, code);
    obituary(f->b, id, code);
    live_drop_connection(&f->b->live, id);
}

static void drop_lease(struct refresh *f, const char *id, const char *code)
{
    const struct live_lease *lease = live_lease(&f->b->live, id);
    if (!lease)
        return;
    touch_connection(f, lease->connection);
    obituary(f->b, id, code);
    live_drop_lease(&f->b->live, id);
}

static void apply_sessions(struct refresh *f)
{
    for (size_t i = 0; i < f->n_sessions; i++) {
        const struct session_row *row = &f->sessions[i];
        if (row->ended)
            drop_session(f, row->id, row->end_reason);
        else
            touch(f, live_put_session(&f->b->live, row)->device);
    }
}

static void apply_connections(struct refresh *f)
{
    for (size_t i = 0; i < f->n_connections; i++) {
        const struct connection_row *row = &f->connections[i];
        if (row->state == LINK_ENDED)
            drop_connection(f, row->id, row->reason);
        else
            touch_connection(f, live_put_connection(&f->b->live, row));
        if (!link_live((enum link_state)row->state))
            secret_forget(f->b, row->id);
    }
}

static void apply_leases(struct refresh *f)
{
    for (size_t i = 0; i < f->n_leases; i++) {
        const struct lease_row *row = &f->leases[i];
        const struct live_lease *lease = NULL;
        if (lease_live((enum lease_state)row->state))
            lease = live_put_lease(&f->b->live, row);
        else
            drop_lease(f, row->id, row->end_reason);
        if (lease)
            touch_connection(f, lease->connection);
    }
}

/* What was named but is not there any more, or after a full reading everything that it did not show. */
static void sweep(struct refresh *f, const struct map *have, enum pending_kind kind, const void *rows, size_t n,
                  size_t size, void (*drop)(struct refresh *f, const char *id, const char *code))
{
    struct map seen = {0};
    BUF_AUTO gone = {0};
    for (size_t i = 0; i < n; i++) /* each row begins with its id */
        (void)map_set(&seen, *(const char *const *)(const void *)((const char *)rows + i * size), f);
    for (size_t i = 0; i < f->n_named[kind]; i++)
        if (!map_get(&seen, f->named[kind][i]))
            buf_append(&gone, f->named[kind][i], strlen(f->named[kind][i]) + 1);
    if (f->p.everything)
        map_for_each (it, have)
            if (!map_get(&seen, it->key))
                buf_append(&gone, it->key, it->key_len + 1);
    for (const char *id = gone.data; id && id < gone.data + gone.len; id += strlen(id) + 1)
        drop(f, id, "gone");
    map_done(&seen);
}

/* A clock that is set back would give every session and lease that time on top. Returns whether it was; slewing is
 * slower than this can see. */
static bool look_at_clock(struct broker *b)
{
    int64_t ahead_us = clock_wall_us() - clock_boot_us(), back_us = b->ahead_us - ahead_us;
    b->ahead_us = ahead_us;
    if (back_us < CLOCK_STEP_US)
        return false;
    log_warn("the clock was set back by %lld ms: sessions keep the time that they had left", (long long)back_us / 1000);
    live_set_back(&b->live, back_us);
    return true;
}

static void apply(struct refresh *f)
{
    struct live *l = &f->b->live;
    f->clock_set_back = look_at_clock(f->b);
    apply_sessions(f);
    apply_connections(f);
    apply_leases(f);
    sweep(f, &l->leases, PENDING_LEASE, f->leases, f->n_leases, sizeof(*f->leases), drop_lease);
    sweep(f, &l->connections, PENDING_CONNECTION, f->connections, f->n_connections, sizeof(*f->connections),
          drop_connection);
    sweep(f, &l->sessions, PENDING_SESSION, f->sessions, f->n_sessions, sizeof(*f->sessions), drop_session);
}

/* --- judging and publishing --- */

static int write_step(struct db *db, void *arg)
{
    struct refresh *f = arg;
    return judgements_write(db, &f->memory, &f->judgements);
}

static void execute(struct refresh *f, const struct judgement *j)
{
    switch (j->what) {
    case JUDGED_SESSION:
        drop_session(f, j->id, j->why.code);
        break;
    case JUDGED_CONNECTION:
        drop_connection(f, j->id, j->why.code);
        break;
    case JUDGED_LEASE:
        drop_lease(f, j->id, j->why.code);
        break;
    case JUDGED_EXTENDED:
        break; /* its change row brings it back here with the new decision */
    }
}

/* Leases before what they belong to, so that each keeps a reason of its own. */
static void execute_all(struct refresh *f)
{
    for (size_t i = judgements_n(&f->judgements); i > 0; i--)
        if (judgement_at(&f->judgements, i - 1)->what == JUDGED_LEASE)
            execute(f, judgement_at(&f->judgements, i - 1));
    for (size_t i = 0; i < judgements_n(&f->judgements); i++)
        execute(f, judgement_at(&f->judgements, i));
}

/* Failed connections are shown for a minute. */
static void drop_failed(struct refresh *f, int64_t now_us)
{
    BUF_AUTO ids = {0};
    map_for_each (it, &f->b->live.connections) {
        const struct live_connection *c = it->value;
        if (c->failed_us && now_us - c->failed_us > 60000000)
            buf_append(&ids, c->id, strlen(c->id) + 1);
    }
    for (const char *id = ids.data; id && id < ids.data + ids.len; id += strlen(id) + 1)
        drop_connection(f, id, "gateway_failed");
}

static void publish(struct refresh *f, int64_t now_us)
{
    struct broker *b = f->b;
    struct world *old = NULL;
    execute_all(f);
    drop_failed(f, now_us);
    map_for_each (it, &b->live.leases)
        ((struct live_lease *)it->value)->held = false;
    if (f->world) {
        old = b->world;
        b->world = f->world;
        f->world = NULL;
    }
    b->revision = MAX(b->revision, f->p.to);
    world_unref(old);
}

static void mark(struct refresh *f, bool all)
{
    if (all)
        agents_mark_all(f->b);
    else
        map_for_each (it, &f->touched)
            agent_mark(f->b, it->key);
}

static int run(struct refresh *f, struct db *db)
{
    struct broker *b = f->b;
    int64_t now_us = clock_wall_us();
    sort_names(f);
    int r = read_snapshot(f, db);
    if (r)
        return r;
    pthread_rwlock_wrlock(&b->lock);
    apply(f);
    pthread_rwlock_unlock(&b->lock);
    bool all = f->world != NULL || f->clock_set_back;
    if (!f->world && !b->world)
        return 0;
    /* Nobody else writes: reading without the lock is safe here. */
    judge(&b->live, f->world ? f->world : b->world, all, now_us, &f->judgements);
    if (judgements_n(&f->judgements))
        r = db_transact(db, write_step, f);
    if (r)
        return r;
    pthread_rwlock_wrlock(&b->lock);
    publish(f, now_us);
    pthread_rwlock_unlock(&b->lock);
    mark(f, all);
    return 0;
}

static int refresh(struct broker *b, struct db *db, struct pending *p)
{
    struct refresh f = {.b = b, .p = *p};
    int64_t began_ms = clock_boot_ms();
    arena_init(&f.memory, REFRESH_MEMORY);
    int r = run(&f, db);
    if (!r)
        atomic_store(&b->followed_ms, began_ms);
    for (int kind = 0; kind < PENDING_KINDS; kind++)
        free(f.named[kind]);
    world_unref(f.world);
    judgements_done(&f.judgements);
    map_done(&f.touched);
    arena_done(&f.memory);
    return r;
}

/* --- the job --- */

static void merge_back(struct broker *b, struct pending *p)
{
    b->pending.everything |= p->everything;
    b->pending.world |= p->world;
    b->pending.to = MAX(b->pending.to, p->to);
    buf_append(&b->pending.ids, p->ids.data, p->ids.len);
}

/* One at a time: `refreshing` is set until there is nothing left to look at. */
static void on_refresh(struct pool_job *job, struct db *db, int db_state)
{
    struct broker *b = container_of(job, struct broker, refresh);
    pthread_mutex_lock(&b->pending_lock);
    struct pending p = b->pending;
    b->pending = (struct pending){.to = p.to};
    pthread_mutex_unlock(&b->pending_lock);
    int r = db_state ? db_state : refresh(b, db, &p);
    if (r)
        log_warn("the broker could not follow revision %lld: %s", (long long)p.to, strerror(-r));
    pthread_mutex_lock(&b->pending_lock);
    if (r)
        merge_back(b, &p);
    bool more = !r && (b->pending.everything || b->pending.world || b->pending.ids.len || b->pending.to > p.to);
    b->refreshing = more && pool_submit(core_pool(b->core), &b->refresh) == 0;
    pthread_mutex_unlock(&b->pending_lock);
    buf_done(&p.ids);
}

/* pending_lock is held. When the queue is full the next nudge tries again. */
static void submit(struct broker *b)
{
    if (!b->refreshing)
        b->refreshing = pool_submit(core_pool(b->core), &b->refresh) == 0;
}

void broker_nudge(struct broker *b)
{
    pthread_mutex_lock(&b->pending_lock);
    submit(b);
    pthread_mutex_unlock(&b->pending_lock);
}

static void note(struct pending *p, const struct change *c)
{
    static const char *const followed[PENDING_KINDS] = {"session", "connection", "lease"};
    static const char *const ignored[] = {"token", "decision"};
    struct pending_id id = {0};
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
        if (str_eq(c->kind, ignored[i]))
            return;
    for (int kind = 0; kind < PENDING_KINDS; kind++)
        if (str_eq(c->kind, followed[kind])) {
            id.kind = (enum pending_kind)kind;
            str_copy(id.id, sizeof(id.id), c->object);
            buf_append(&p->ids, &id, sizeof(id));
            return;
        }
    p->world = true;
}

void broker_on_changes(void *arg, int64_t from, int64_t to, const struct change *changes, size_t n)
{
    struct broker *b = arg;
    bool new_epoch = n == 0 && from == to;
    if (new_epoch) {
        struct hub_state now = hub_state(core_hub(b->core));
        pthread_rwlock_wrlock(&b->lock);
        memcpy(b->epoch, now.epoch, sizeof(b->epoch));
        b->revision = now.revision;
        pthread_rwlock_unlock(&b->lock);
    }
    pthread_mutex_lock(&b->pending_lock);
    b->pending.everything |= new_epoch;
    b->pending.to = new_epoch ? to : MAX(b->pending.to, to);
    for (size_t i = 0; i < n; i++)
        note(&b->pending, &changes[i]);
    submit(b);
    pthread_mutex_unlock(&b->pending_lock);
}

bool broker_follows(const struct broker *b)
{
    int64_t known_ms = MIN((int64_t)atomic_load(&b->followed_ms), hub_current_ms(core_hub(b->core)));
    return clock_boot_ms() - known_ms < BEHIND_MS;
}

int broker_load(struct broker *b, struct db *db)
{
    struct hub_state now = hub_state(core_hub(b->core));
    struct pending p = {.everything = true, .to = now.revision};
    b->refresh.run = on_refresh;
    memcpy(b->epoch, now.epoch, sizeof(b->epoch));
    return refresh(b, db, &p);
}

struct world *broker_world(struct broker *b)
{
    pthread_rwlock_rdlock(&b->lock);
    struct world *w = world_ref(b->world);
    pthread_rwlock_unlock(&b->lock);
    return w;
}
