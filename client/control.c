/* SPDX-License-Identifier: Apache-2.0 */
#include "client/control.h"
#include "base/str.h"
#include "crypto/secret.h"
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, GUESTS_MAX = 64, REQUEST_MS = 5000, OUT_MAX = 16 << 20 };

static int address_of(const char *run_dir, struct sockaddr_un *sa)
{
    *sa = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/control.sock", run_dir);
    return n < 0 || (size_t)n >= sizeof(sa->sun_path) ? -ENAMETOOLONG : 0;
}

int control_connect(const char *run_dir)
{
    struct sockaddr_un sa;
    int r = address_of(run_dir, &sa);
    int fd = r ? r : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r || fd < 0)
        return r ? r : -errno;
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
        return fd;
    r = -errno;
    close(fd);
    return r;
}

static void guest_free(struct guest *g)
{
    loop_fd_remove(&g->source);
    loop_timer_stop(&g->patience);
    close(g->source.fd);
    list_remove(&g->link);
    g->control->n_guests--;
    if (g->in.data)
        secret_wipe(g->in.data, g->in.cap);
    buf_done(&g->in);
    buf_done(&g->out);
    free(g);
}

static void leave(struct guest *g)
{
    struct control *c = g->control;
    if (g->asked && !g->finished)
        c->on_gone(c->arg, g);
    guest_free(g);
}

/* A guest that the loop cannot watch any more hangs up, which the loop reports in any case. */
static void watch(struct guest *g, uint32_t events)
{
    if (loop_fd_modify(&g->source, events))
        shutdown(g->source.fd, SHUT_RDWR);
}

/* Writes what it can; false when the guest is gone. */
static bool flush(struct guest *g)
{
    while (g->out.len > 0) {
        ssize_t n = send(g->source.fd, g->out.data, g->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0 && errno != EINTR) {
            leave(g);
            return false;
        }
        buf_consume(&g->out, n < 0 ? 0 : (size_t)n);
    }
    if (g->out.len == 0 && g->finished) {
        guest_free(g);
        return false;
    }
    watch(g, g->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return true;
}

/* Written by the loop, so that a handler's guest cannot vanish under it. */
static void queue(struct guest *g, struct local_reply *reply)
{
    rec_encode(&local_reply_rec, reply, 0, &g->out);
    buf_putc(&g->out, '\n');
    watch(g, EPOLLIN | EPOLLOUT);
}

void guest_tell(struct guest *g, const char *text)
{
    struct local_reply reply = {.text = text};
    if (str_eq(g->told, text) || g->out.len > OUT_MAX)
        return;
    str_copy(g->told, sizeof(g->told), text);
    queue(g, &reply);
}

void guest_finish(struct guest *g, struct local_reply *reply)
{
    reply->final = true;
    g->finished = true;
    queue(g, reply);
}

void guest_end(struct guest *g, int exit, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    struct local_reply reply = {.exit = exit, .text = *text ? text : NULL};
    guest_finish(g, &reply);
}

static void take_request(struct guest *g, size_t len)
{
    struct arena arena;
    struct local_request request;
    struct rec_errors errors = {0};
    struct control *c = g->control;
    arena_init(&arena, 64 * 1024);
    g->asked = true;
    loop_timer_stop(&g->patience);
    if (rec_decode(&local_request_rec, REC_STRICT, g->in.data, len, &arena, &request, &errors) == 0) {
        g->verb = (enum local_verb)request.verb;
        c->on_request(c->arg, g, &request);
    } else {
        guest_end(g, 2, "the daemon does not understand this request: is it of another version?");
    }
    arena_done(&arena);
    secret_wipe(g->in.data, g->in.cap);
    buf_reset(&g->in);
}

static void on_guest(struct loop_fd *source, uint32_t events)
{
    struct guest *g = container_of(source, struct guest, source);
    char piece[1024];
    if (events & EPOLLOUT && !flush(g))
        return;
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    ssize_t n = recv(source->fd, piece, sizeof(piece), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || g->asked || g->in.len + (size_t)n > REQUEST_MAX) {
        leave(g);
        return;
    }
    buf_reserve(&g->in, REQUEST_MAX - g->in.len); /* once, so that a password is not left behind by growing */
    buf_append(&g->in, piece, (size_t)n);
    secret_wipe(piece, sizeof(piece));
    const char *end = memchr(g->in.data, '\n', g->in.len);
    if (end)
        take_request(g, (size_t)(end - g->in.data));
}

static void on_impatient(struct loop_timer *timer)
{
    leave(container_of(timer, struct guest, patience));
}

static void on_client(struct loop_fd *source, uint32_t events)
{
    struct control *c = container_of(source, struct control, source);
    struct ucred who;
    socklen_t len = sizeof(who);
    int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (c->n_guests >= GUESTS_MAX || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len)) {
        close(fd);
        return;
    }
    struct guest *g = xalloc(sizeof(*g));
    g->source = (struct loop_fd){.fd = fd, .events = EPOLLIN, .on_ready = on_guest};
    g->patience.on_due = on_impatient;
    g->control = c;
    g->uid = who.uid;
    list_append(&c->guests, &g->link);
    c->n_guests++;
    loop_timer_start(c->loop, &g->patience, REQUEST_MS);
    if (loop_fd_add(c->loop, &g->source))
        guest_free(g);
}

/* A socket file that nobody listens on was left behind. */
static int make_room(const char *run_dir, const char *path)
{
    int fd = control_connect(run_dir);
    if (fd >= 0) {
        close(fd);
        return -EADDRINUSE;
    }
    return fd == -ENOENT || unlink(path) == 0 ? 0 : -errno;
}

int control_open(struct control *c, struct loop *loop, const char *run_dir)
{
    struct sockaddr_un sa;
    list_init(&c->guests);
    c->loop = loop;
    int r = address_of(run_dir, &sa);
    if (r == 0)
        r = make_room(run_dir, sa.sun_path);
    if (r)
        return r;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    memcpy(c->path, sa.sun_path, sizeof(sa.sun_path));
    c->source = (struct loop_fd){.fd = fd, .events = EPOLLIN, .on_ready = on_client};
    r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || chmod(c->path, 0666) || listen(fd, 16) ? -errno : 0;
    if (r == 0)
        r = loop_fd_add(loop, &c->source);
    if (r)
        close(fd);
    return r;
}

void control_close(struct control *c)
{
    if (!c->source.loop)
        return;
    list_for_each_safe (it, &c->guests) {
        struct guest *g = container_of(it, struct guest, link);
        if (flush(g))
            guest_free(g);
    }
    loop_fd_remove(&c->source);
    close(c->source.fd);
    unlink(c->path);
}
