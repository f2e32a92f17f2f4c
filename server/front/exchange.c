/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/exchange.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "server/front/answer.h"
#include "server/front/request.h"
#include "server/front/state.h"

#define CANNOT_NOW "The server cannot do this right now"

static const struct answer_problem core_away = {503, "unavailable", CANNOT_NOW, "It is starting or restarting.", 1};
static const struct answer_problem core_busy = {503, "overloaded", "The server has too much to do",
                                                "Too much work is waiting.", 2};
static const struct answer_problem core_slow = {503, "timeout", "The server took too long",
                                                "Nothing is known about the outcome.", 5};
static const struct answer_problem too_many = {429, "too_many_requests", "Too many requests at a time",
                                               "Wait for answers before asking more.", 2};
static const struct answer_problem not_sendable = {400, "bad_request", "The request cannot be understood",
                                                   "Its headers or its path are malformed or too long.", 0};

static void on_proceed(h2o_generator_t *self, h2o_req_t *req);

static void on_stop(h2o_generator_t *self, h2o_req_t *req)
{
    /* on_dispose follows */
}

/* Frees the exchange when neither h2o nor core needs it any more. */
static void settle(struct exchange *x)
{
    if (x->req || x->stream.state != FRAME_ENDED)
        return;
    list_remove(&x->link);
    x->front->held -= x->data.used;
    arena_done(&x->data);
    conn_end_request(x->conn);
    free(x);
}

static void cancel(struct exchange *x)
{
    struct frame f = {.type = FRAME_CANCEL, .stream = x->id};
    if (!frame_stream_step(&x->stream, FRAME_CANCEL) && link_send(x->front, &f))
        log_debug("stream %llu ended with the connection to core", (unsigned long long)x->id);
}

/* h2o is done with the request: answered, reset by the client, or its connection is gone. */
static void on_dispose(void *slot)
{
    struct exchange *x = *(struct exchange **)slot;
    if (!x)
        return;
    x->req = NULL;
    x->sending = false;
    x->finished = true;
    x->due_ms = 0;
    cancel(x);
    settle(x);
}

static void wait_until(struct exchange *x, int64_t ms)
{
    x->due_ms = clock_boot_ms() + ms;
}

/* Ties the exchange to the life of the request. */
static struct exchange *exchange_new(struct front *f, struct conn *c, h2o_req_t *req, const char *request_id)
{
    struct exchange *x = xalloc(sizeof(*x));
    struct exchange **slot = h2o_mem_alloc_shared(&req->pool, sizeof(*slot), on_dispose);
    *slot = x;
    x->generator = (h2o_generator_t){on_proceed, on_stop};
    x->front = f;
    x->conn = c;
    x->req = req;
    x->request_id = request_id;
    arena_init(&x->data, FRAME_ARENA);
    list_append(&f->exchanges, &x->link);
    return x;
}

/* Answers on the front's own account. Nothing may have been sent yet. */
static void refuse(struct exchange *x, const struct answer_problem *p)
{
    x->started = x->finished = true;
    wait_until(x, x->front->limits.send_ms);
    answer_problem(x->req, p, x->request_id);
}

static const struct answer_problem *problem_of(int err)
{
    return err == -ENOTCONN ? &core_away : err == -EBUSY ? &core_busy : &not_sendable;
}

void exchange_start(struct front *f, struct conn *c, h2o_req_t *req, const char *request_id)
{
    if (!f->link.sock || !conn_take_request(c)) {
        answer_problem(req, f->link.sock ? &too_many : &core_away, request_id);
        return;
    }
    struct exchange *x = exchange_new(f, c, req, request_id);
    link_register(f, x);
    int r = request_send(f, c, req, x->id, request_id);
    if (r) {
        link_forget(f, x);
        x->stream.state = FRAME_ENDED;
        refuse(x, problem_of(r));
        return;
    }
    x->stream.state = FRAME_WAITING;
    wait_until(x, f->limits.answer_ms);
}

/* The one place that sends: respects that h2o wants no call before it has taken the last one. */
static void send_part(struct exchange *x, const struct frame_bytes *body, bool final)
{
    h2o_iovec_t v = {NULL, body ? body->len : 0};
    if (v.len)
        memcpy(&v.base, &body->data, sizeof(v.base)); /* h2o only reads */
    x->sending = true;
    x->finished = final;
    wait_until(x, x->front->limits.send_ms);
    h2o_send(x->req, &v, v.len ? 1 : 0, final ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

static void start(struct exchange *x, const struct frame_response *r)
{
    x->started = true;
    answer_head(x->req, r, x->request_id);
    h2o_start_response(x->req, &x->generator);
}

static void end_stream(struct exchange *x)
{
    if (!x->req || x->finished)
        return;
    if (x->sending)
        x->ending = true;
    else
        send_part(x, NULL, true);
}

static void on_proceed(h2o_generator_t *self, h2o_req_t *req)
{
    struct exchange *x = container_of(self, struct exchange, generator);
    struct frame credit = {.type = FRAME_CREDIT, .stream = x->id};
    x->sending = false;
    x->due_ms = 0; /* a stream may be silent for long */
    x->front->held -= x->data.used;
    arena_done(&x->data);
    if (x->ending)
        send_part(x, NULL, true);
    else if (!frame_stream_step(&x->stream, FRAME_CREDIT) && link_send(x->front, &credit))
        log_debug("stream %llu ended with the connection to core", (unsigned long long)x->id);
}

/* Keeps the memory of the frame until h2o has sent it. */
static void hold(struct exchange *x, struct arena *arena)
{
    x->data = *arena;
    x->front->held += arena->used;
    arena_init(arena, FRAME_ARENA);
}

static void on_response(struct exchange *x, const struct frame_response *r, struct arena *arena)
{
    if (x->front->held + arena->used > x->front->limits.buffered_max) {
        refuse(x, &core_busy);
        return;
    }
    hold(x, arena);
    answer_head(x->req, r, x->request_id);
    if (r->body.data || answer_has_body(x->req))
        x->req->res.content_length = r->body.len;
    x->started = true;
    h2o_start_response(x->req, &x->generator);
    send_part(x, answer_has_body(x->req) ? &r->body : NULL, true);
}

static void on_answer(struct exchange *x, const struct frame *f, struct arena *arena)
{
    switch (f->type) {
    case FRAME_RESPONSE:
        on_response(x, &f->response, arena);
        break;
    case FRAME_STREAM_START:
        start(x, &f->response);
        send_part(x, NULL, false);
        break;
    case FRAME_STREAM_DATA:
        hold(x, arena);
        send_part(x, &f->data, false);
        break;
    default:
        end_stream(x);
    }
}

int exchange_on_frame(struct exchange *x, const struct frame *frame, struct arena *arena)
{
    struct front *f = x->front;
    if (frame_stream_step(&x->stream, frame->type))
        return -EPROTO;
    bool ended = x->stream.state == FRAME_ENDED;
    if (ended)
        link_forget(f, x);
    if (x->req && !x->finished)
        on_answer(x, frame, arena);
    if (ended)
        settle(x);
    return 0;
}

static void core_lost(struct exchange *x)
{
    x->stream.state = FRAME_ENDED;
    if (x->req && !x->started)
        refuse(x, &core_away);
    else
        end_stream(x);
    settle(x);
}

void exchange_core_lost(struct front *f)
{
    list_for_each_safe (it, &f->exchanges)
        core_lost(container_of(it, struct exchange, link));
}

static bool is_stream(const struct exchange *x)
{
    return x->stream.state == FRAME_STREAMING && !x->stream.cancelled;
}

void exchange_drain(struct front *f)
{
    list_for_each_safe (it, &f->exchanges) {
        struct exchange *x = container_of(it, struct exchange, link);
        if (!is_stream(x))
            continue;
        cancel(x);
        end_stream(x);
    }
}

/* Either core has not answered, or the client does not take what it was sent. */
static void lose_patience(struct exchange *x)
{
    x->due_ms = 0;
    if (!x->started) {
        cancel(x);
        refuse(x, &core_slow);
    } else if (x->conn->sock) {
        log_info("%s does not read its answer: connection closed", x->conn->peer);
        guard_shutdown(x->conn->sock);
    }
}

void exchange_tick(struct front *f, int64_t now_ms)
{
    list_for_each_safe (it, &f->exchanges) {
        struct exchange *x = container_of(it, struct exchange, link);
        if (x->req && x->due_ms && x->due_ms <= now_ms)
            lose_patience(x);
    }
}
