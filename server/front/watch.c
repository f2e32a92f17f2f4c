/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/front/conn.h"
#include "server/front/state.h"

static size_t body_of(const h2o_req_t *req)
{
    const h2o_http2_stream_t *stream = (const void *)((const char *)req - offsetof(h2o_http2_stream_t, req));
    return stream->_req_body ? stream->_req_body->size : 0;
}

static size_t headers_of(const h2o_http2_conn_t *conn)
{
    return conn->_headers_unparsed ? conn->_headers_unparsed->size : 0;
}

static h2o_http2_conn_t *conn_at(h2o_linklist_t *node)
{
    return H2O_STRUCT_FROM_MEMBER(h2o_http2_conn_t, _conns, node);
}

struct sum {
    const h2o_socket_t *sock;
    size_t bytes;
};

static int add_body(h2o_req_t *req, void *data)
{
    struct sum *sum = data;
    if (req->conn->callbacks->get_socket(req->conn) == sum->sock)
        sum->bytes += body_of(req);
    return 0;
}

size_t watch_buffered_http2(h2o_context_t *ctx, const h2o_socket_t *sock)
{
    struct sum sum = {.sock = sock};
    for (h2o_linklist_t *node = ctx->http2._conns.next; node != &ctx->http2._conns; node = node->next)
        if (conn_at(node)->sock == sock)
            sum.bytes += headers_of(conn_at(node));
    ctx->globalconf->http2.callbacks.foreach_request(ctx, add_body, &sum);
    return sum.bytes;
}

struct sweep {
    struct front *front;
    int64_t now_ms, wall_ms;
};

static void end(struct conn *c, const char *why)
{
    if (c->guard.killed)
        return;
    c->guard.killed = true;
    log_info("%s: %s: connection closed", c->peer, why);
    guard_shutdown(c->sock);
}

/* h2o stamps the beginning with the wall clock. A step may cost an upload, which the client repeats. */
static bool is_late(const struct sweep *s, const h2o_req_t *req)
{
    const struct timeval *t = &req->timestamps.request_begin_at;
    return !req->processed_at.at.tv_sec && t->tv_sec &&
           s->wall_ms - (t->tv_sec * 1000 + t->tv_usec / 1000) > s->front->limits.request_ms;
}

static int on_http2_request(h2o_req_t *req, void *data)
{
    const struct sweep *s = data;
    struct conn *c = conn_of_request(req);
    if (!c)
        return 0;
    c->buffered += body_of(req);
    if (is_late(s, req))
        end(c, "request takes too long");
    return 0;
}

/* The library bounds the time of an HTTP/1 request itself. */
static int on_http1_request(h2o_req_t *req, void *data)
{
    struct conn *c = conn_of_request(req);
    if (c)
        c->buffered += c->sock->input->size;
    return 0;
}

static void on_http2_conn(const struct sweep *s, const h2o_http2_conn_t *conn)
{
    struct conn *c = conn_of_socket(conn->sock);
    if (!c)
        return;
    c->buffered += headers_of(conn);
    if (!conn->_headers_unparsed)
        c->headers_since_ms = 0;
    else if (!c->headers_since_ms)
        c->headers_since_ms = s->now_ms;
    else if (s->now_ms - c->headers_since_ms > s->front->limits.request_ms)
        end(c, "header block takes too long");
}

static void measure(const struct sweep *s)
{
    h2o_context_t *ctx = &s->front->ctx;
    struct sweep copy = *s;
    list_for_each (it, &s->front->conns)
        container_of(it, struct conn, link)->buffered = 0;
    for (h2o_linklist_t *node = ctx->http2._conns.next; node != &ctx->http2._conns; node = node->next)
        on_http2_conn(s, conn_at(node));
    ctx->globalconf->http2.callbacks.foreach_request(ctx, on_http2_request, &copy);
    ctx->globalconf->http1.callbacks.foreach_request(ctx, on_http1_request, &copy);
}

void watch_sweep(struct front *f)
{
    struct sweep s = {f, clock_boot_ms(), clock_wall_ms()};
    struct conn *largest = NULL;
    size_t total = 0;
    measure(&s);
    list_for_each (it, &f->conns) {
        struct conn *c = container_of(it, struct conn, link);
        total += c->buffered;
        if (c->buffered > f->limits.buffered_per_connection)
            end(c, "too much unfinished input");
        else if (!largest || c->buffered > largest->buffered)
            largest = c;
    }
    if (total > f->limits.buffered_max && largest)
        end(largest, "too much unfinished input on all connections, most of it here");
}
