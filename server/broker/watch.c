/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* GET /agent/v1/state: the stream of an agent's desired state. */
#include "base/clock.h"
#include "base/haste.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "crypto/message.h"
#include "server/api/problem.h"
#include "server/broker/handlers.h"
#include "server/broker/render.h"
#include "server/core/keys.h"
#include "server/store/sql.h"

enum {
    GATEWAY_BOOKMARK_MS = 15000,
    CLIENT_BOOKMARK_MS = 60000,
    RENEWAL_MS = 20000,
    LIFE_MIN_MS = 5 * 60000,
    LIFE_SPREAD_MS = 10 * 60000,
};

struct watch {
    struct broker *b;
    struct agent *agent;
    int64_t received_ms;                      /* at_ms counts from here */
    int64_t ends_ms, bookmark_ms, renewal_ms; /* clock_boot_ms() when they are due */
    bool listed;                              /* the first rendering went out */
};

static int64_t heartbeat_ms(const struct agent *agent)
{
    return haste_ms(agent->kind == AGENT_GATEWAY ? GATEWAY_BOOKMARK_MS : CLIENT_BOOKMARK_MS);
}

static bool is_current(const struct watch *w)
{
    pthread_mutex_lock(&w->b->agents_lock);
    bool current = w->agent->watch == w;
    pthread_mutex_unlock(&w->b->agents_lock);
    return current;
}

static int note_seen(const struct watch *w, struct db *db)
{
    const char *id = w->agent->id;
    if (w->agent->kind == AGENT_GATEWAY)
        return db_run(db, SQL_GATEWAY_SEEN,
                      DB_ARGS(DB_STR("id", id), DB_NULL("applied_revision"), DB_INT("denied_packets", 0)), NULL);
    return db_run(db, SQL_DEVICE_SEEN, DB_ARGS(DB_STR("id", id), DB_NULL("version")), NULL);
}

/* The one message that renews all grants of a gateway. Numbers come in reserved blocks: see sweep.c. */
static void add_renewal(const struct watch *w, int64_t at_ms, const char *epoch, struct buf *out)
{
    struct renewal renewal = {.gateway = w->agent->id, .epoch = epoch, .issued_us = clock_wall_us()};
    uint8_t signature[MESSAGE_SIG_LEN];
    long long seq = atomic_fetch_add(&w->b->renewal_next, 1);
    if (seq >= atomic_load(&w->b->renewal_end))
        return;
    renewal.seq = (uint64_t)seq;
    if (renewal_sign(&core_keys(w->b->core)->authority.messages, &renewal, signature))
        return;
    struct renewal_state item = {.gateway = renewal.gateway,
                                 .epoch = epoch,
                                 .seq = seq,
                                 .issued = renewal.issued_us,
                                 .signature = {signature, sizeof(signature)}};
    buf_printf(out, "{\"type\":\"renewal\",\"at_ms\":%lld,\"item\":", (long long)at_ms);
    rec_encode(&renewal_state_rec, &item, 0, out);
    buf_puts(out, "}\n");
}

static int render_locked(struct watch *w, int64_t at_ms, struct buf *out, size_t *n_lines)
{
    struct agent *agent = w->agent;
    int r = -ESTALE;
    pthread_mutex_lock(&agent->lock);
    pthread_rwlock_rdlock(&w->b->lock);
    if (!is_current(w))
        r = -ECANCELED;
    else if (str_eq(agent->epoch, w->b->epoch))
        r = render(w->b, agent, at_ms, out, n_lines);
    pthread_rwlock_unlock(&w->b->lock);
    pthread_mutex_unlock(&agent->lock);
    return r;
}

static int end_with(const char *reason, int64_t at_ms, struct buf *out)
{
    render_error(reason, at_ms, out);
    return -ENODATA;
}

static void add_bookmark(struct watch *w, int64_t now_ms, struct buf *out)
{
    char revision[REVISION_TEXT_LEN];
    pthread_mutex_lock(&w->agent->lock);
    revision_format(w->agent->epoch, w->agent->view.last, revision);
    view_bookmark(&w->agent->view);
    pthread_mutex_unlock(&w->agent->lock);
    render_bookmark(revision, now_ms - w->received_ms, !w->listed, out);
    w->listed = true;
    w->bookmark_ms = now_ms + heartbeat_ms(w->agent);
}

static int64_t next_due(const struct watch *w)
{
    int64_t due = MIN(w->bookmark_ms, w->ends_ms);
    return w->agent->kind == AGENT_GATEWAY ? MIN(due, w->renewal_ms) : due;
}

static int on_render(struct stream *stream, void *ctx, struct db *db, struct buf *out)
{
    struct watch *w = ctx;
    int64_t now_ms = clock_boot_ms(), at_ms = now_ms - w->received_ms;
    size_t n_lines = 0;
    if (!is_current(w) || now_ms >= w->ends_ms)
        return -ENODATA;
    if (!broker_follows(w->b))
        return -ENOTCONN; /* as if the database were away: grants that nobody can take back run out */
    /* The database first: after the view has been told, nothing may fail. */
    bool heartbeat = now_ms >= w->bookmark_ms;
    int r = heartbeat || !w->listed ? note_seen(w, db) : 0;
    if (r)
        return r;
    r = render_locked(w, at_ms, out, &n_lines);
    if (r == -ECANCELED)
        return -ENODATA;
    if (r == -ESTALE)
        return end_with("revision_expired", at_ms, out);
    if (r)
        return end_with(r == -EACCES ? "device_blocked" : "unknown_agent", at_ms, out);
    if (w->agent->kind == AGENT_GATEWAY && now_ms >= w->renewal_ms) {
        add_renewal(w, at_ms, w->agent->epoch, out);
        w->renewal_ms = now_ms + haste_ms(RENEWAL_MS);
    }
    if (n_lines || heartbeat || !w->listed)
        add_bookmark(w, now_ms, out);
    stream_mark_after(stream, next_due(w) - now_ms);
    return 0;
}

static void on_closed(void *ctx)
{
    struct watch *w = ctx;
    struct stream *stream = NULL;
    pthread_mutex_lock(&w->b->agents_lock);
    if (w->agent->watch == w) {
        stream = w->agent->stream;
        w->agent->watch = NULL;
        w->agent->stream = NULL;
        w->agent->closed_ms = clock_boot_ms();
        log_debug("the stream of %s ended", w->agent->id);
    }
    pthread_mutex_unlock(&w->b->agents_lock);
    agent_release(w->b, w->agent);
    stream_unref(stream);
    free(w);
}

static const struct stream_ops watch_ops = {on_render, on_closed};

/* The value of `since`, NULL when the query has none. Revisions need no decoding: letters, digits and a dot. */
static const char *query_since(struct request *req)
{
    const char *at = req->query;
    while (at && *at && !str_starts(at, "since="))
        at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL;
    if (!at || !*at)
        return NULL;
    at += strlen("since=");
    size_t n = strcspn(at, "&");
    return n ? arena_strndup(req->arena, at, n) : NULL;
}

/* Makes the agent's view fit to what it says it knows; -ESTALE: it has to list again. */
static int resume(struct broker *b, struct agent *agent, const char *since)
{
    int64_t n = 0;
    int r = since ? hub_check_since(core_hub(b->core), since, &n) : 0;
    pthread_mutex_lock(&agent->lock);
    pthread_rwlock_rdlock(&b->lock);
    bool same_epoch = str_eq(agent->epoch, b->epoch);
    if (!r && since)
        r = same_epoch ? view_resume(&agent->view, n) : -ESTALE;
    if (!since) {
        view_reset(&agent->view);
        memcpy(agent->epoch, b->epoch, sizeof(agent->epoch));
    }
    pthread_rwlock_unlock(&b->lock);
    pthread_mutex_unlock(&agent->lock);
    return r;
}

/* From now on only this watch renders; an older one of the same agent ends. Comes before resume(): nothing may be noted
 * as told on the old stream any more. */
static void take_over(struct watch *w)
{
    struct agent *agent = w->agent;
    pthread_mutex_lock(&w->b->agents_lock);
    struct stream *old = agent->stream;
    agent->watch = w;
    agent->stream = NULL;
    agent->leaving = false;
    pthread_mutex_unlock(&w->b->agents_lock);
    if (old)
        stream_mark(old);
    stream_unref(old);
}

static void give_back(struct watch *w)
{
    pthread_mutex_lock(&w->b->agents_lock);
    if (w->agent->watch == w)
        w->agent->watch = NULL;
    pthread_mutex_unlock(&w->b->agents_lock);
    agent_release(w->b, w->agent);
    free(w);
}

static void attach(struct watch *w, struct stream *stream)
{
    pthread_mutex_lock(&w->b->agents_lock);
    if (w->agent->watch == w)
        w->agent->stream = stream_ref(stream);
    pthread_mutex_unlock(&w->b->agents_lock);
    stream_mark(stream);
}

static int note_address(struct request *req)
{
    int64_t changed;
    int r = db_begin(req->db);
    if (!r)
        r = db_run(req->db, SQL_GATEWAY_ADDRESS, DB_ARGS(DB_STR("id", req->who.id), DB_STR("address", req->peer)),
                   &changed);
    if (!r && changed)
        r = change_add(req->db, "gateway", req->who.id, "modified");
    if (!r)
        r = db_commit(req->db);
    db_rollback(req->db);
    return r;
}

static struct watch *watch_new(struct broker *b, struct agent *agent, int64_t received_ms)
{
    int64_t now_ms = clock_boot_ms();
    struct watch *w = xalloc(sizeof(*w));
    *w = (struct watch){.b = b, .agent = agent, .received_ms = received_ms, .renewal_ms = now_ms};
    w->bookmark_ms = now_ms + heartbeat_ms(agent);
    w->ends_ms = now_ms + LIFE_MIN_MS + (int64_t)rng_below(LIFE_SPREAD_MS);
    return w;
}

int state_watch(struct request *req, struct response *res)
{
    struct broker *b = the_broker;
    enum agent_kind kind = req->who.kind == PRINCIPAL_GATEWAY ? AGENT_GATEWAY : AGENT_DEVICE;
    int r = kind == AGENT_GATEWAY ? note_address(req) : 0;
    if (r)
        return r;
    struct watch *w = watch_new(b, agent_need(b, req->who.id, kind), req->received_ms);
    take_over(w);
    if (resume(b, w->agent, query_since(req))) {
        give_back(w);
        return problem(req, res, PROBLEM_REVISION_EXPIRED, "list the state again, without since");
    }
    attach(w, response_stream(req, res, "application/x-ndjson", &watch_ops, w));
    return 0;
}
