/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/link.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "server/front/exchange.h"
#include "server/front/state.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    RETRY_MS = 100,
    QUEUE_MAX = 16 << 20, /* bytes for core to read; beyond that requests are refused */
};

static void flush(struct front *f);

static void link_down(struct front *f, const char *why)
{
    struct link *l = &f->link;
    if (!l->sock)
        return;
    log_warn("connection to core lost: %s", why);
    h2o_socket_close(l->sock);
    l->sock = NULL;
    l->complained = true;
    l->retry_ms = clock_boot_ms() + RETRY_MS;
    frame_reader_done(&l->reader);
    buf_reset(&l->out);
    buf_reset(&l->flight);
    map_done(&l->streams);
    exchange_core_lost(f);
}

static void on_frame(struct front *f, const struct frame *frame)
{
    struct exchange *x = map_get_bytes(&f->link.streams, &frame->stream, sizeof(frame->stream));
    if (!x)
        link_down(f, "frame for a stream that is not open");
    else if (exchange_on_frame(x, frame, &f->link.arena))
        link_down(f, "frame out of order");
}

static void on_read(h2o_socket_t *sock, const char *err)
{
    struct front *f = sock->data;
    struct link *l = &f->link;
    struct frame frame;
    int r = 0;
    if (err) {
        link_down(f, err);
        return;
    }
    frame_reader_feed(&l->reader, sock->input->bytes, sock->input->size);
    h2o_buffer_consume(&sock->input, sock->input->size);
    while (l->sock && (r = frame_reader_next(&l->reader, &l->arena, &frame)) == 1) {
        on_frame(f, &frame);
        arena_done(&l->arena);
    }
    if (r < 0)
        link_down(f, "malformed frame");
}

static void on_written(h2o_socket_t *sock, const char *err)
{
    struct front *f = sock->data;
    if (err) {
        link_down(f, err);
        return;
    }
    buf_reset(&f->link.flight);
    flush(f);
}

/* One write at a time, each with all that has gathered meanwhile. */
static void flush(struct front *f)
{
    struct link *l = &f->link;
    if (l->flight.len || !l->out.len)
        return;
    struct buf empty = l->flight;
    l->flight = l->out;
    l->out = empty;
    h2o_iovec_t v = {l->flight.data, l->flight.len};
    h2o_socket_write(l->sock, &v, 1, on_written);
}

static int open_socket(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (!str_copy(sa.sun_path, sizeof(sa.sun_path), path))
        return -ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
        return fd;
    int err = errno;
    close(fd);
    return -err;
}

static void link_up(struct front *f, int fd)
{
    struct link *l = &f->link;
    struct frame hello = {.type = FRAME_HELLO, .hello = {(uint16_t)f->config->listener, FRAME_VERSION}};
    log_info("connected to core");
    l->complained = false;
    l->last_id = 0;
    frame_reader_init(&l->reader, FRAME_FROM_CORE);
    l->sock = h2o_evloop_socket_create(f->ctx.loop, fd, 0);
    l->sock->data = f;
    h2o_socket_read_start(l->sock, on_read);
    if (link_send(f, &hello))
        link_down(f, "HELLO refused");
}

void link_init(struct front *f)
{
    arena_init(&f->link.arena, FRAME_ARENA);
}

void link_tick(struct front *f, int64_t now_ms)
{
    struct link *l = &f->link;
    if (l->sock || now_ms < l->retry_ms)
        return;
    l->retry_ms = now_ms + RETRY_MS;
    int fd = open_socket(f->config->core_socket);
    if (fd >= 0) {
        link_up(f, fd);
        return;
    }
    if (!l->complained)
        log_warn("core does not answer at %s: %s", f->config->core_socket, strerror(-fd));
    l->complained = true;
}

void link_register(struct front *f, struct exchange *x)
{
    x->id = ++f->link.last_id;
    map_set_bytes(&f->link.streams, &x->id, sizeof(x->id), x);
}

void link_forget(struct front *f, struct exchange *x)
{
    map_remove_bytes(&f->link.streams, &x->id, sizeof(x->id));
}

int link_send(struct front *f, const struct frame *frame)
{
    struct link *l = &f->link;
    if (!l->sock)
        return -ENOTCONN;
    if (frame->type == FRAME_REQUEST && l->out.len > QUEUE_MAX)
        return -EBUSY;
    int r = frame_encode(&l->out, frame);
    if (!r)
        flush(f);
    return r;
}
