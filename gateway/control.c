/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/control.h"
#include "gateway/view.h"
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUEST_MAX = 256, ANSWER_MAX = 16 << 20, PATIENCE_S = 1, ASK_PATIENCE_S = 10 };

static int address_of(const char *run_dir, struct sockaddr_un *sa)
{
    *sa = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/control.sock", run_dir);
    return n < 0 || (size_t)n >= sizeof(sa->sun_path) ? -ENAMETOOLONG : 0;
}

static void be_patient(int fd, int seconds)
{
    struct timeval t = {.tv_sec = seconds};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0)
            return -errno;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

static void serve(struct control *c, int fd)
{
    char line[REQUEST_MAX];
    struct arena arena;
    struct control_request request;
    struct rec_errors errors = {0};
    BUF_AUTO out = {0};
    ssize_t n = recv(fd, line, sizeof(line), 0);
    if (n <= 0)
        return;
    arena_init(&arena, 4096);
    if (rec_decode(&control_request_rec, REC_AGENT, line, (size_t)n, &arena, &request, &errors) == 0)
        c->answer(c->arg, request.command, &out);
    arena_done(&arena);
    buf_putc(&out, '\n');
    send_all(fd, out.data, out.len);
}

static void on_client(struct loop_fd *source, uint32_t events)
{
    struct control *c = container_of(source, struct control, source);
    int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    be_patient(fd, PATIENCE_S);
    serve(c, fd);
    close(fd);
}

int control_open(struct control *c, struct loop *loop, const char *run_dir,
                 void (*answer)(void *arg, const char *command, struct buf *out), void *arg)
{
    struct sockaddr_un sa;
    int r = address_of(run_dir, &sa);
    if (r)
        return r;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    memcpy(c->path, sa.sun_path, sizeof(sa.sun_path));
    c->answer = answer;
    c->arg = arg;
    c->source = (struct loop_fd){.fd = fd, .events = EPOLLIN, .on_ready = on_client};
    unlink(c->path);
    mode_t before = umask(0177);
    r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 8) ? -errno : 0;
    umask(before);
    if (!r)
        r = loop_fd_add(loop, &c->source);
    if (r)
        close(fd);
    return r;
}

void control_close(struct control *c)
{
    if (!c->source.loop)
        return;
    loop_fd_remove(&c->source);
    close(c->source.fd);
    unlink(c->path);
}

static int read_all(int fd, struct buf *out)
{
    char piece[4096];
    ssize_t n;
    while ((n = recv(fd, piece, sizeof(piece), 0)) > 0) {
        if (out->len + (size_t)n > ANSWER_MAX)
            return -EMSGSIZE;
        buf_append(out, piece, (size_t)n);
    }
    return n < 0 ? -errno : 0;
}

int control_ask(const char *run_dir, const char *command, struct buf *answer)
{
    struct sockaddr_un sa;
    struct control_request request = {.command = command};
    BUF_AUTO line = {0};
    int r = address_of(run_dir, &sa);
    if (r)
        return r;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    be_patient(fd, ASK_PATIENCE_S);
    rec_encode(&control_request_rec, &request, 0, &line);
    buf_putc(&line, '\n');
    r = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : send_all(fd, line.data, line.len);
    if (!r)
        r = read_all(fd, answer);
    close(fd);
    return r;
}
