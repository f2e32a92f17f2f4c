/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/buf.h"
#include "base/log.h"
#include "server/front/guard.h"
#include "server/front/watch.h"
#include <sys/socket.h>
#include <unistd.h>

enum { WINDOW = 4321, TURNS = 200 };

/* A throw-away server on a socket pair, driven from the same thread. */
struct bench {
    h2o_globalconf_t conf;
    h2o_context_t ctx;
    h2o_accept_ctx_t accept;
    struct guard_sight sight;
};

struct probe {
    struct guard_conn guard; /* first: on_close.data */
    struct bench *bench;
    h2o_socket_t *sock;
    int fd; /* the client's end */
    bool closed;
    struct buf out;
};

static const char answer[] = "hello";

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    req->res.status = 200;
    h2o_send_inline(req, answer, sizeof(answer) - 1);
    return 0;
}

static void bench_init(struct bench *b)
{
    h2o_config_init(&b->conf);
    h2o_hostconf_t *host = h2o_config_register_host(&b->conf, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(h2o_handler_t))->on_req = on_req;
    h2o_context_init(&b->ctx, h2o_evloop_create(), &b->conf);
    b->accept = (h2o_accept_ctx_t){.ctx = &b->ctx, .hosts = b->conf.hosts};
}

static void bench_done(struct bench *b)
{
    h2o_loop_t *loop = b->ctx.loop;
    h2o_multithread_queue_t *queue = b->ctx.queue;
    h2o_context_dispose(&b->ctx);
    free(queue); /* destroyed by this version of the library, but not freed */
    h2o_config_dispose(&b->conf);
    h2o_evloop_destroy(loop);
}

static void on_close(void *data)
{
    ((struct probe *)data)->closed = true;
}

static void turn(struct bench *b, int n)
{
    while (n--)
        h2o_evloop_run(b->ctx.loop, 0);
}

static void put_frame(struct probe *p, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t n)
{
    uint8_t head[H2O_HTTP2_FRAME_HEADER_SIZE];
    h2o_http2_encode_frame_header(head, n, type, flags, (int32_t)stream);
    buf_append(&p->out, head, sizeof(head));
    buf_append(&p->out, payload, n);
}

static const uint8_t get_root[] = {0x82, 0x86, 0x84, 0x01, 1, 'x'}; /* GET http / with authority x */
static const uint8_t post_root[] = {0x83, 0x86, 0x84, 0x01, 1, 'x'};

enum { ALL = H2O_HTTP2_FRAME_FLAG_END_HEADERS | H2O_HTTP2_FRAME_FLAG_END_STREAM };

static void put_request(struct probe *p, uint32_t stream)
{
    put_frame(p, H2O_HTTP2_FRAME_TYPE_HEADERS, ALL, stream, get_root, sizeof(get_root));
}

/* Opens a connection whose streams start with the given window. */
static int probe_open(struct probe *p, struct bench *b, uint32_t window)
{
    int pair[2];
    uint8_t setting[6] = {0, H2O_HTTP2_SETTINGS_INITIAL_WINDOW_SIZE};
    struct timeval now = {0};
    *p = (struct probe){.bench = b};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
        return -errno;
    guard_conn_init(&p->guard);
    p->fd = pair[0];
    p->sock = h2o_evloop_socket_create(b->ctx.loop, pair[1], H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    p->sock->on_close.cb = on_close;
    p->sock->on_close.data = p;
    h2o_http2_accept(&b->accept, p->sock, now);
    h2o_http2_encode32u(setting + 2, window);
    buf_puts(&p->out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    put_frame(p, H2O_HTTP2_FRAME_TYPE_SETTINGS, 0, 0, setting, sizeof(setting));
    return 0;
}

/* Sends what was put, then lets the server work until it closed the connection or has had turns enough. */
static void probe_run(struct probe *p)
{
    char sink[4096];
    for (int i = 0; i < TURNS && !p->closed; i++) {
        ssize_t n = p->out.len ? send(p->fd, p->out.data, p->out.len, MSG_NOSIGNAL) : 0;
        if (n > 0)
            buf_consume(&p->out, (size_t)n);
        turn(p->bench, 1);
        while (recv(p->fd, sink, sizeof(sink), 0) > 0)
            continue;
    }
}

static void probe_close(struct probe *p)
{
    close(p->fd);
    for (int i = 0; i < TURNS && !p->closed; i++)
        turn(p->bench, 1);
    buf_done(&p->out);
}

/* An ordinary request; the structs must show what was sent. Then the answer's last byte uses up a window of its length. */
static const char *try_layout(struct bench *b)
{
    struct probe p;
    struct guard_sight s;
    if (probe_open(&p, b, WINDOW))
        return "socketpair";
    b->sight = (struct guard_sight){0};
    put_request(&p, 1);
    probe_run(&p);
    s = b->sight;
    bool ok = s.ctx == &b->ctx && s.sock == p.sock && s.conn && s.req_conn == s.conn && s.stream_id == 1 &&
              s.peer_window == WINDOW && s.window_before == WINDOW &&
              s.window_after == WINDOW - (ssize_t)sizeof(answer) + 1 && s.ended && !p.closed;
    probe_close(&p);
    return ok ? NULL : "layout of connection and stream";
}

/* An unfinished body of 7 bytes on one stream, an unfinished header block of 3 on the next. */
static const char *try_buffers(struct bench *b)
{
    struct probe p;
    if (probe_open(&p, b, WINDOW))
        return "socketpair";
    put_frame(&p, H2O_HTTP2_FRAME_TYPE_HEADERS, H2O_HTTP2_FRAME_FLAG_END_HEADERS, 1, post_root, sizeof(post_root));
    put_frame(&p, H2O_HTTP2_FRAME_TYPE_DATA, 0, 1, "1234567", 7);
    put_frame(&p, H2O_HTTP2_FRAME_TYPE_HEADERS, H2O_HTTP2_FRAME_FLAG_END_STREAM, 3, get_root, 3);
    probe_run(&p);
    size_t bytes = watch_buffered_http2(&b->ctx, p.sock);
    probe_close(&p);
    return bytes == 10 ? NULL : "layout of buffers";
}

static const char *try_slow_reader(struct bench *b)
{
    struct probe p;
    uint64_t before = guard_stats()->windows;
    if (probe_open(&p, b, sizeof(answer) - 1))
        return "socketpair";
    put_request(&p, 1);
    probe_run(&p);
    probe_close(&p);
    return guard_stats()->windows == before + 1 ? NULL : "guard against the slow reader";
}

static const char *try_kill(struct bench *b, enum guard_kill kill, void (*attack)(struct probe *p))
{
    struct probe p;
    uint64_t before = guard_stats()->kills[kill];
    if (probe_open(&p, b, WINDOW))
        return "socketpair";
    attack(&p);
    probe_run(&p);
    bool killed = p.closed && guard_stats()->kills[kill] == before + 1;
    probe_close(&p);
    return killed ? NULL : guard_kill_name(kill);
}

static void attack_headers(struct probe *p)
{
    uint8_t block[128];
    memset(block, 0x82, sizeof(block));
    put_frame(p, H2O_HTTP2_FRAME_TYPE_HEADERS, ALL, 1, block, sizeof(block));
}

static void attack_resets(struct probe *p)
{
    static const uint8_t cancel[4] = {0, 0, 0, 8};
    for (uint32_t stream = 1; stream < 1000; stream += 2) {
        put_frame(p, H2O_HTTP2_FRAME_TYPE_HEADERS, H2O_HTTP2_FRAME_FLAG_END_HEADERS, stream, post_root,
                  sizeof(post_root));
        put_frame(p, H2O_HTTP2_FRAME_TYPE_RST_STREAM, 0, stream, cancel, sizeof(cancel));
    }
}

static void attack_continuation(struct probe *p)
{
    put_frame(p, H2O_HTTP2_FRAME_TYPE_HEADERS, 0, 1, get_root, 3);
    for (int i = 0; i < 100; i++)
        put_frame(p, H2O_HTTP2_FRAME_TYPE_CONTINUATION, 0, 1, "", 0);
}

static const char *try_all(struct bench *b)
{
    const char *wrong = try_layout(b);
    if (!wrong)
        wrong = try_buffers(b);
    if (!wrong)
        wrong = try_slow_reader(b);
    if (!wrong)
        wrong = try_kill(b, GUARD_HEADERS, attack_headers);
    if (!wrong)
        wrong = try_kill(b, GUARD_RESETS, attack_resets);
    return wrong ? wrong : try_kill(b, GUARD_CONTINUATION, attack_continuation);
}

int guard_selftest(void)
{
    struct bench b = {0};
    const char *wrong = "functions to guard";
    if (!guard_init()) {
        bench_init(&b);
        guard_look(&b.sight);
        wrong = h2o_memis(b.conf.server_name.base, b.conf.server_name.len, H2O_STRLIT("h2o/2.2.5"))
                    ? try_all(&b)
                    : "version of libh2o, 2.2.5 is needed";
        guard_look(NULL);
        bench_done(&b);
        guard_stats_reset();
    }
    if (!wrong)
        return 0;
    log_error("the guard of libh2o does not hold: %s; not serving", wrong);
    return -ENOTSUP;
}
