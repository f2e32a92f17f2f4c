/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for core, for the tests of the front: answers frames by path, counts what it saw, keeps no state.
 *   /api/v1/small            "hello"
 *   /api/v1/echo             what arrived, as lines
 *   /api/v1/big?N            N bytes
 *   /api/v1/hang             no answer until CANCEL
 *   /api/v1/stream?N         the newest count, padded to N bytes, whenever there is credit; it rises every 10 ms
 *   /api/v1/short            a stream of three lines
 *   /api/v1/stats            counters
 *   /api/v1/violate          a frame that is not allowed
 */
#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/str.h"
#include "server/frame/frame.h"
#include "tests/attack/front_echo.h"
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TICK_MS = 10 };

struct peer {
    struct loop_fd source; /* first */
    struct frame_reader reader;
    struct frame_order order;
    struct buf out;
    struct map streams;
    bool broken;
};

struct job {
    struct peer *peer;
    uint64_t id;
    struct frame_stream stream;
    uint64_t sent; /* the count that was sent last */
    size_t pad;
    unsigned left; /* lines of a short stream; 0 = endless */
    struct list link;
};

static struct {
    struct loop *loop;
    struct loop_fd listener;
    struct loop_timer timer;
    struct list jobs;
    uint64_t count, n_requests, n_cancels, n_open, most_open;
} core;

static void peer_free(struct peer *p)
{
    list_for_each_safe (it, &core.jobs) {
        struct job *j = container_of(it, struct job, link);
        if (j->peer != p)
            continue;
        list_remove(&j->link);
        core.n_open--;
        free(j);
    }
    loop_fd_remove(&p->source);
    close(p->source.fd);
    frame_reader_done(&p->reader);
    buf_done(&p->out);
    map_done(&p->streams);
    free(p);
}

static void flush(struct peer *p)
{
    while (p->out.len) {
        ssize_t n = send(p->source.fd, p->out.data, p->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            p->broken = errno != EAGAIN;
            break;
        }
        buf_consume(&p->out, (size_t)n);
    }
    if (!p->broken && loop_fd_modify(&p->source, p->out.len ? EPOLLIN | EPOLLOUT : EPOLLIN))
        p->broken = true;
}

static void job_free(struct job *j)
{
    map_remove_bytes(&j->peer->streams, &j->id, sizeof(j->id));
    list_remove(&j->link);
    core.n_open--;
    free(j);
}

static void put(struct job *j, struct frame f)
{
    struct peer *p = j->peer;
    f.stream = j->id;
    if (frame_stream_step(&j->stream, f.type) || frame_encode(&p->out, &f))
        abort();
    if (j->stream.state == FRAME_ENDED)
        job_free(j);
    flush(p);
}

static void respond(struct job *j, uint16_t status, const void *p, size_t n)
{
    static const struct frame_field type = {"content-type", "text/plain"};
    put(j, (struct frame){.type = FRAME_RESPONSE, .response = {status, {&type, 1}, {p, n}}});
}

static void respond_filled(struct job *j, size_t n)
{
    char *text = xalloc(n + 1);
    memset(text, 'x', n);
    respond(j, 200, text, n);
    free(text);
}

static void respond_echo(struct job *j, const struct frame_request *r)
{
    BUF_AUTO b = {0};
    buf_printf(&b, "method %s\npath %s\nquery %s\npeer %s\ntls %s\nrequest_id %s\nbody %zu\ncertificate %zu\n",
               r->method, r->path, r->query ? r->query : "-", r->peer, r->tls, r->request_id, r->body.len,
               r->certificate.len);
    for (size_t i = 0; i < r->headers.n; i++)
        buf_printf(&b, "header %s %s\n", r->headers.items[i].name, r->headers.items[i].value);
    respond(j, 200, b.data, b.len);
}

static void respond_stats(struct job *j)
{
    BUF_AUTO b = {0};
    buf_printf(&b, "requests %llu\ncancels %llu\nopen %llu\nmost_open %llu\n", (unsigned long long)core.n_requests,
               (unsigned long long)core.n_cancels, (unsigned long long)core.n_open, (unsigned long long)core.most_open);
    respond(j, 200, b.data, b.len);
}

/* One line with the newest count, when core has credit and something new. */
static void stream_step(struct job *j)
{
    if (j->stream.state != FRAME_STREAMING || !j->stream.credit || j->sent == core.count)
        return;
    BUF_AUTO b = {0};
    j->sent = core.count;
    buf_printf(&b, "%llu ", (unsigned long long)j->sent);
    while (b.len + 1 < j->pad)
        buf_putc(&b, '.');
    buf_putc(&b, '\n');
    bool last = j->left && !--j->left;
    put(j, (struct frame){.type = FRAME_STREAM_DATA, .data = {b.data, b.len}});
    if (last)
        put(j, (struct frame){.type = FRAME_STREAM_END});
}

static void start_stream(struct job *j, size_t pad, unsigned left)
{
    static const struct frame_field type = {"content-type", "application/x-ndjson"};
    j->pad = pad;
    j->left = left;
    put(j, (struct frame){.type = FRAME_STREAM_START, .response = {200, {&type, 1}, {0}}});
}

static void violate(struct job *j)
{
    struct frame f = {.type = FRAME_STREAM_DATA, .stream = j->id, .data = {"x", 1}};
    if (frame_encode(&j->peer->out, &f))
        abort();
    flush(j->peer);
}

static void serve(struct job *j, const struct frame_request *r)
{
    uint64_t n = 0;
    const char *name = str_starts(r->path, "/api/v1/") ? r->path + 8 : r->path;
    if (r->query && parse_u64(r->query, 0, FRAME_DATA_MAX, &n))
        n = 0;
    if (str_eq(name, "small"))
        respond(j, 200, "hello", 5);
    else if (str_eq(name, "echo") || str_eq(name, "/agent/v1/echo"))
        respond_echo(j, r);
    else if (str_eq(name, "big"))
        respond_filled(j, n);
    else if (str_eq(name, "stream"))
        start_stream(j, n, 0);
    else if (str_eq(name, "short"))
        start_stream(j, n, 3);
    else if (str_eq(name, "stats"))
        respond_stats(j);
    else if (str_eq(name, "violate"))
        violate(j);
    else if (str_eq(name, "/readyz"))
        respond(j, 200, "ready", 5);
    else if (str_eq(name, "empty"))
        put(j, (struct frame){.type = FRAME_RESPONSE, .response = {.status = 204}});
    else if (!str_eq(name, "hang"))
        respond(j, 404, "?", 1);
}

static void on_request(struct peer *p, const struct frame *f)
{
    struct job *j = xalloc(sizeof(*j));
    j->peer = p;
    j->id = f->stream;
    list_append(&core.jobs, &j->link);
    map_set_bytes(&p->streams, &j->id, sizeof(j->id), j);
    core.n_requests++;
    core.n_open++;
    core.most_open = MAX(core.most_open, core.n_open);
    if (frame_stream_step(&j->stream, f->type))
        abort();
    serve(j, &f->request);
}

static void on_frame(struct peer *p, const struct frame *f)
{
    if (frame_order_step(&p->order, f)) {
        log_error("frame out of order from the front: %s", frame_type_name(f->type));
        p->broken = true;
        return;
    }
    if (f->type == FRAME_HELLO)
        return;
    if (f->type == FRAME_REQUEST) {
        on_request(p, f);
        return;
    }
    core.n_cancels += f->type == FRAME_CANCEL;
    struct job *j = map_get_bytes(&p->streams, &f->stream, sizeof(f->stream));
    if (!j)
        return; /* crossed the final frame */
    if (frame_stream_step(&j->stream, f->type))
        p->broken = true;
    else if (f->type == FRAME_CANCEL)
        put(j, (struct frame){.type = FRAME_STREAM_END});
    else
        stream_step(j);
}

static void read_frames(struct peer *p)
{
    static char in[1 << 16];
    struct arena a;
    struct frame f;
    int r = 0;
    ssize_t n = recv(p->source.fd, in, sizeof(in), MSG_DONTWAIT);
    if (n <= 0) {
        p->broken = n == 0 || errno != EAGAIN;
        return;
    }
    frame_reader_feed(&p->reader, in, (size_t)n);
    arena_init(&a, FRAME_ARENA);
    while (!p->broken && (r = frame_reader_next(&p->reader, &a, &f)) == 1) {
        on_frame(p, &f);
        arena_done(&a);
    }
    arena_done(&a);
    if (r < 0) {
        log_error("malformed frame from the front");
        p->broken = true;
    }
}

static void on_peer(struct loop_fd *source, uint32_t events)
{
    struct peer *p = container_of(source, struct peer, source);
    if (events & EPOLLOUT)
        flush(p);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        read_frames(p);
    if (p->broken)
        peer_free(p);
}

static void on_listener(struct loop_fd *source, uint32_t events)
{
    int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct peer *p = xalloc(sizeof(*p));
    p->source = (struct loop_fd){.fd = fd, .events = EPOLLIN, .on_ready = on_peer};
    frame_reader_init(&p->reader, FRAME_FROM_FRONT);
    if (loop_fd_add(core.loop, &p->source))
        abort();
}

static void on_timer(struct loop_timer *t)
{
    core.count++;
    list_for_each_safe (it, &core.jobs)
        stream_step(container_of(it, struct job, link));
    loop_timer_start(core.loop, &core.timer, TICK_MS);
}

int core_echo_main(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    list_init(&core.jobs);
    core.loop = loop_new();
    core.listener = (struct loop_fd){
        .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .events = EPOLLIN, .on_ready = on_listener};
    core.timer.on_due = on_timer;
    str_copy(sa.sun_path, sizeof(sa.sun_path), path);
    unlink(path);
    if (core.listener.fd < 0 || bind(core.listener.fd, (struct sockaddr *)&sa, sizeof(sa)) ||
        listen(core.listener.fd, 16) || loop_fd_add(core.loop, &core.listener)) {
        perror(path);
        return 1;
    }
    loop_timer_start(core.loop, &core.timer, TICK_MS);
    puts("core");
    fflush(stdout);
    return loop_run(core.loop);
}
