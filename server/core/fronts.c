/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/log.h"
#include "base/str.h"
#include "server/core/private.h"
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A front that does not read while answers pile up is broken: its own budget of requests is far below this. */
enum { OUT_MAX = 256 << 20, READ_SIZE = 64 << 10 };

static void front_close(struct front *f)
{
    loop_fd_remove(&f->source);
    close(f->source.fd);
    list_remove(&f->link);
    /* Cancelling may free the call, which must not touch the map that we walk. */
    map_for_each (slot, &f->calls) {
        struct call *x = slot->value;
        x->front = NULL;
        call_cancel(x);
    }
    map_done(&f->calls);
    frame_reader_done(&f->in);
    buf_done(&f->out);
    free(f);
}

/* False when the front had to be closed. */
static bool flush(struct front *f)
{
    while (f->out.len) {
        ssize_t n = send(f->source.fd, f->out.data, f->out.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return false;
        buf_consume(&f->out, (size_t)n);
    }
    return f->out.len <= OUT_MAX && loop_fd_modify(&f->source, EPOLLIN | (f->out.len ? EPOLLOUT : 0)) == 0;
}

void call_send(struct call *x, struct frame *frame)
{
    struct front *f = x->front;
    frame->stream = x->id;
    if (!f)
        return;
    int r = frame_stream_step(&x->order, frame->type);
    if (!r && frame_encode(&f->out, frame)) {
        log_error("core made a %s frame that cannot be sent", frame_type_name(frame->type));
        /* An answer too large for a frame must not leave its caller waiting. */
        struct frame failed = {.type = FRAME_RESPONSE, .stream = x->id, .response.status = 500};
        r = frame->type == FRAME_RESPONSE ? frame_encode(&f->out, &failed) : -EINVAL;
    }
    if (r) {
        log_error("core made an illegal %s frame", frame_type_name(frame->type));
        return;
    }
    /* Written by on_ready(), so that nobody's caller loses its front under its feet. */
    if (loop_fd_modify(&f->source, EPOLLIN | EPOLLOUT))
        log_error("front: %s", strerror(errno));
}

void call_free(struct call *x)
{
    if (x->front)
        map_remove_bytes(&x->front->calls, &x->id, sizeof(x->id));
    arena_done(&x->arena);
    free(x);
}

static int take(struct front *f, const struct frame *frame)
{
    if (frame_order_step(&f->order, frame))
        return -EPROTO;
    if (frame->type == FRAME_HELLO) {
        f->listener = frame->hello.listener == FRAME_AGENTS ? LISTENER_AGENTS : LISTENER_PEOPLE;
        if (frame->hello.version != FRAME_VERSION)
            return -EPROTO;
        f->core->greeted[f->listener] = true;
        core_announce(f->core);
        return 0;
    }
    if (frame->type == FRAME_REQUEST) {
        call_start(f, &frame->request, frame->stream);
        return 0;
    }
    struct call *x = map_get_bytes(&f->calls, &frame->stream, sizeof(frame->stream));
    if (!x)
        return 0; /* it crossed our final frame */
    int r = frame_stream_step(&x->order, frame->type);
    if (!r && frame->type == FRAME_CANCEL)
        call_cancel(x);
    else if (!r && x->stream)
        stream_credit(x->stream);
    return r;
}

static int decode(struct front *f)
{
    for (;;) {
        struct arena a;
        struct frame frame;
        arena_init(&a, FRAME_ARENA);
        int r = frame_reader_next(&f->in, &a, &frame);
        if (r == 1)
            r = take(f, &frame) ? -EPROTO : 1;
        arena_done(&a);
        if (r != 1)
            return r;
    }
}

static int receive(struct front *f)
{
    char chunk[READ_SIZE];
    ssize_t n = recv(f->source.fd, chunk, sizeof(chunk), 0);
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    if (n == 0)
        return -EPIPE;
    frame_reader_feed(&f->in, chunk, (size_t)n);
    return decode(f);
}

static void on_ready(struct loop_fd *source, uint32_t events)
{
    struct front *f = container_of(source, struct front, source);
    int r = events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? receive(f) : 0;
    if (r && r != -EPIPE)
        log_error("a front broke the protocol or its connection: %s", strerror(-r));
    if (r || !flush(f))
        front_close(f);
}

/* Only the user that fronts run as, or our own, may speak to core. */
static bool trusted(const struct core *core, int fd)
{
    struct ucred who;
    socklen_t len = sizeof(who);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len))
        return false;
    return who.uid == core->front_uid || who.uid == geteuid();
}

static void on_accept(struct loop_fd *source, uint32_t events)
{
    struct core *core = container_of(source, struct core, listener);
    int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (!trusted(core, fd)) {
        log_warn("refused a connection to core's socket");
        close(fd);
        return;
    }
    struct front *f = xalloc(sizeof(*f));
    f->core = core;
    f->source = (struct loop_fd){.fd = fd, .events = EPOLLIN, .on_ready = on_ready};
    frame_reader_init(&f->in, FRAME_FROM_FRONT);
    list_append(&core->fronts, &f->link);
    if (loop_fd_add(core->loop, &f->source))
        abort();
}

/* Bound under another name first: whoever connects finds the right mode. */
static int listen_at(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX}, fresh = {.sun_family = AF_UNIX};
    int n = snprintf(fresh.sun_path, sizeof(fresh.sun_path), "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof(fresh.sun_path) || !str_copy(sa.sun_path, sizeof(sa.sun_path), path))
        return -ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    unlink(fresh.sun_path);
    if (bind(fd, (struct sockaddr *)&fresh, sizeof(fresh)) || group_of_dir(fresh.sun_path) ||
        chmod(fresh.sun_path, 0660) || listen(fd, 64) || rename(fresh.sun_path, sa.sun_path)) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

int fronts_listen(struct core *core, const char *path)
{
    int fd = listen_at(path);
    if (fd < 0)
        return fd;
    core->listener = (struct loop_fd){.fd = fd, .events = EPOLLIN, .on_ready = on_accept};
    return loop_fd_add(core->loop, &core->listener);
}

void fronts_close(struct core *core)
{
    if (core->listener.loop) {
        loop_fd_remove(&core->listener);
        close(core->listener.fd);
    }
    list_for_each_safe (it, &core->fronts)
        front_close(container_of(it, struct front, link));
}
