/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "server/core/private.h"

enum { BUSY_RETRY_MS = 50, AWAY_RETRY_MS = 250 };

struct stream {
    struct core *core;
    const struct stream_ops *ops;
    void *ctx;
    atomic_uint refs;
    /* What other threads may touch. */
    atomic_bool dirty, poked;
    atomic_llong mark_at_ms; /* wish for the timer: clock_boot_ms(), 0 = none */
    struct loop_task poke;

    /* The I/O thread's. */
    struct call *x;
    bool rendering, cancelled, closed;
    bool ending; /* render() said so: end once `out` is gone */
    struct loop_timer timer;
    struct pool_job job;
    struct loop_task rendered;
    struct buf out; /* rendered, not sent yet */
    size_t sent;
    int result;
};

static void step(struct stream *s);

struct stream *stream_ref(struct stream *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void stream_unref(struct stream *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    buf_done(&s->out);
    free(s);
}

/* One task at most is on its way to the loop, however often others mark. */
static void poke(struct stream *s)
{
    if (atomic_exchange(&s->poked, true))
        return;
    stream_ref(s);
    loop_post(s->core->loop, &s->poke);
}

void stream_mark(struct stream *s)
{
    atomic_store(&s->dirty, true);
    poke(s);
}

void stream_mark_after(struct stream *s, int64_t delay_ms)
{
    atomic_store(&s->mark_at_ms, clock_boot_ms() + MAX(delay_ms, 1));
    poke(s);
}

static void on_timer(struct loop_timer *t)
{
    struct stream *s = container_of(t, struct stream, timer);
    atomic_store(&s->dirty, true);
    step(s);
}

static void on_poke(struct loop_task *task)
{
    struct stream *s = container_of(task, struct stream, poke);
    atomic_store(&s->poked, false);
    long long at = atomic_exchange(&s->mark_at_ms, 0);
    if (!s->closed && at)
        loop_timer_start(s->core->loop, &s->timer, MAX(at - clock_boot_ms(), 0));
    step(s);
    stream_unref(s);
}

/* --- rendering --- */

static void on_render(struct pool_job *job, struct db *db, int db_state)
{
    struct stream *s = container_of(job, struct stream, job);
    s->result = db_state ? db_state : s->ops->render(s, s->ctx, db, &s->out);
    db_rollback(db);
    loop_post(s->core->loop, &s->rendered);
}

static void retry(struct stream *s, int64_t delay_ms)
{
    if (!s->timer.loop || s->timer.due_ms > clock_boot_ms() + delay_ms)
        loop_timer_start(s->core->loop, &s->timer, delay_ms);
}

static void on_rendered(struct loop_task *task)
{
    struct stream *s = container_of(task, struct stream, rendered);
    s->rendering = false;
    if (s->result == -ENOTCONN || s->result == -EAGAIN || s->result == -ETIMEDOUT) {
        buf_reset(&s->out);
        retry(s, AWAY_RETRY_MS);
    } else if (s->result) {
        if (s->result != -ENODATA)
            log_warn("a stream ends: %s", strerror(-s->result));
        s->ending = true;
    }
    step(s);
}

static void render(struct stream *s)
{
    atomic_store(&s->dirty, false);
    s->rendering = true;
    if (pool_submit(s->core->pool, &s->job)) {
        s->rendering = false;
        retry(s, BUSY_RETRY_MS);
    }
}

/* --- sending --- */

static void send_part(struct stream *s)
{
    size_t n = MIN(s->out.len - s->sent, (size_t)FRAME_DATA_MAX);
    call_send(s->x, &(struct frame){.type = FRAME_STREAM_DATA, .data = {s->out.data + s->sent, n}});
    s->sent += n;
    if (s->sent < s->out.len)
        return;
    buf_reset(&s->out);
    s->sent = 0;
}

static void finish(struct stream *s)
{
    struct call *x = s->x;
    s->closed = true;
    loop_timer_stop(&s->timer);
    s->ops->closed(s->ctx);
    call_send(x, &(struct frame){.type = FRAME_STREAM_END});
    call_free(x);
    s->x = NULL;
    stream_unref(s);
}

/* The one place that decides what a stream does next. */
static void step(struct stream *s)
{
    if (!s->x || s->rendering || s->closed)
        return;
    if (s->cancelled || (s->ending && !s->out.len)) {
        finish(s);
        return;
    }
    if (!s->x->order.credit)
        return;
    if (s->out.len)
        send_part(s);
    else if (!s->ending && atomic_load(&s->dirty))
        render(s);
}

void stream_begin(struct stream *s, struct call *x)
{
    s->x = x;
    s->cancelled = atomic_load(&x->cancelled);
    step(s);
}

void stream_credit(struct stream *s)
{
    step(s);
}

void stream_cancel(struct stream *s)
{
    s->cancelled = true;
    step(s);
}

struct stream *response_stream(struct request *req, struct response *res, const char *content_type,
                               const struct stream_ops *ops, void *ctx)
{
    struct stream *s = xalloc(sizeof(*s));
    s->core = req->core;
    s->ops = ops;
    s->ctx = ctx;
    atomic_init(&s->refs, 1);
    atomic_init(&s->dirty, true);
    s->poke.run = on_poke;
    s->timer.on_due = on_timer;
    s->job.run = on_render;
    s->rendered.run = on_rendered;
    res->status = 200;
    res->stream = s;
    response_header(res, "content-type", content_type);
    response_header(res, "cache-control", "no-store");
    return s;
}
