/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "base/str.h"
#include "server/core/private.h"

/* Beyond the request itself (at most a frame) a handler may use this much for what it reads and answers. */
enum { HANDLER_ARENA = 48 << 20 };

/* --- from the frame --- */

static bool copy_headers(struct request *req, const struct frame_fields *fields)
{
    for (size_t i = 0; i < fields->n && i < REQUEST_HEADERS_MAX; i++) {
        struct header *h = &req->headers[req->n_headers++];
        h->name = arena_strdup(req->arena, fields->items[i].name);
        h->value = arena_strdup(req->arena, fields->items[i].value);
        if (!h->name || !h->value)
            return false;
    }
    return true;
}

static bool copy_blobs(struct request *req, const struct frame_request *r)
{
    char *body = arena_alloc(req->arena, r->body.len + 1);
    if (!body)
        return false;
    if (r->body.len)
        memcpy(body, r->body.data, r->body.len);
    req->body = body;
    req->body_len = r->body.len;
    if (!r->certificate.data)
        return true;
    req->cert = arena_memdup(req->arena, r->certificate.data, r->certificate.len);
    req->cert_len = r->certificate.len;
    return req->cert != NULL;
}

static bool copy_request(struct request *req, const struct frame_request *r)
{
    req->method = arena_strdup(req->arena, r->method);
    req->path = arena_strdup(req->arena, r->path);
    req->query = arena_strdup(req->arena, r->query ? r->query : "");
    req->peer = arena_strdup(req->arena, r->peer);
    req->id = arena_strdup(req->arena, r->request_id);
    return req->method && req->path && req->query && req->peer && req->id && copy_headers(req, &r->headers) &&
           copy_blobs(req, r);
}

/* --- to the frame --- */

static size_t split_headers(struct response *res, struct frame_field *out)
{
    size_t n = 0;
    for (char *p = res->headers.data; p && *p && n < FRAME_FIELDS_MAX;) {
        char *colon = strchr(p, ':'), *end = strchr(p, '\n');
        *colon = *end = '\0';
        out[n++] = (struct frame_field){p, colon + 2};
        p = end + 1;
    }
    return n;
}

static void respond(struct call *x)
{
    struct frame_field fields[FRAME_FIELDS_MAX];
    struct response *res = x->res;
    struct frame f = {.type = x->stream ? FRAME_STREAM_START : FRAME_RESPONSE};
    f.response.status = (uint16_t)res->status;
    f.response.headers = (struct frame_fields){fields, split_headers(res, fields)};
    if (!x->stream && res->body.len)
        f.response.body = (struct frame_bytes){res->body.data, res->body.len};
    call_send(x, &f);
}

static void forget_request(struct call *x)
{
    if (x->res) {
        buf_done(&x->res->headers);
        buf_done(&x->res->body);
    }
    arena_done(&x->arena);
    x->req = NULL;
    x->res = NULL;
}

/* A cancelled call still owes its final frame. */
static void on_done(struct loop_task *task)
{
    struct call *x = container_of(task, struct call, done);
    struct stream *s = x->stream = x->res ? x->res->stream : NULL;
    bool cancelled = atomic_load(&x->cancelled);
    if (!cancelled)
        respond(x);
    forget_request(x);
    if (s) {
        stream_begin(s, x);
        return;
    }
    if (cancelled)
        call_send(x, &(struct frame){.type = FRAME_STREAM_END});
    call_free(x);
}

/* --- on the worker --- */

static void unavailable(struct request *req, struct response *res)
{
    buf_reset(&res->body);
    buf_reset(&res->headers);
    res->status = 503;
    response_header(res, "content-type", "application/problem+json");
    response_header(res, "retry-after", "1");
    buf_printf(&res->body,
               "{\"type\":\"/api/v1/problems/unavailable\",\"title\":\"The server cannot do this right now\","
               "\"status\":503,\"code\":\"unavailable\","
               "\"detail\":\"The service cannot reach its database now. Try again.\",\"instance\":\"%s\"}",
               req->id);
}

static void answer_offline(struct call *x)
{
    const struct core_app *app = x->core->config.app;
    if (!app->dispatch_offline || !app->dispatch_offline(x->req, x->res))
        unavailable(x->req, x->res);
}

static void on_job(struct pool_job *job, struct db *db, int db_state)
{
    struct call *x = container_of(job, struct call, job);
    if (!atomic_load(&x->cancelled)) {
        x->req->db = db;
        if (db_state || !atomic_load(&x->core->ready))
            answer_offline(x);
        else
            x->core->config.app->dispatch(x->req, x->res);
        db_rollback(db);
    }
    loop_post(x->core->loop, &x->done);
}

void call_start(struct front *front, const struct frame_request *r, uint64_t id)
{
    struct call *x = xalloc(sizeof(*x));
    x->core = front->core;
    x->front = front;
    x->id = id;
    x->job.run = on_job;
    x->done.run = on_done;
    if (frame_stream_step(&x->order, FRAME_REQUEST))
        abort();
    arena_init(&x->arena, FRAME_ARENA + HANDLER_ARENA);
    map_set_bytes(&front->calls, &id, sizeof(id), x);
    x->req = arena_alloc(&x->arena, sizeof(*x->req));
    x->res = arena_alloc(&x->arena, sizeof(*x->res));
    if (!x->req || !x->res)
        abort(); /* the limit is far above */
    *x->req = (struct request){
        .core = x->core, .arena = &x->arena, .listener = front->listener, .received_ms = clock_boot_ms()};
    bool fits = copy_request(x->req, r);
    if (!fits || pool_submit(x->core->pool, &x->job)) {
        answer_offline(x);
        on_done(&x->done);
    }
}

void call_cancel(struct call *x)
{
    atomic_store(&x->cancelled, true);
    if (x->stream)
        stream_cancel(x->stream);
}

bool request_cancelled(const struct request *req)
{
    const struct call *x = container_of(req->arena, struct call, arena);
    return atomic_load(&x->cancelled);
}
