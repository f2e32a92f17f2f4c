/* SPDX-License-Identifier: Apache-2.0 */
#include "wireguard/wire.h"
#include "base/clock.h"
#include "base/str.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int wire_connect(const char *path, struct wire_peer *peer)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (!str_copy(addr.sun_path, sizeof(addr.sun_path), path))
        return -ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    struct ucred cred = {0};
    socklen_t len = sizeof(cred);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
        int r = -errno;
        close(fd);
        return r;
    }
    if (peer)
        *peer = (struct wire_peer){.pid = cred.pid, .uid = cred.uid};
    return fd;
}

static int wait_ready(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms - clock_boot_ms();
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, left > 0 ? (int)left : 0);
        if (n > 0)
            return 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int send_all(int fd, const char *p, size_t n, int64_t deadline_ms)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent > 0) {
            p += sent;
            n -= (size_t)sent;
            continue;
        }
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        int r = wait_ready(fd, POLLOUT, deadline_ms);
        if (r)
            return r;
    }
    return 0;
}

/* An answer ends with the first empty line. */
static bool complete(const struct buf *answer)
{
    return answer->len >= 2 && memcmp(answer->data + answer->len - 2, "\n\n", 2) == 0;
}

static int receive_all(int fd, size_t max, struct buf *answer, int64_t deadline_ms)
{
    while (!complete(answer)) {
        if (answer->len > max)
            return -EMSGSIZE;
        /* Growing by hand: realloc would leave copies of keys in freed memory. */
        if (answer->cap - answer->len < 4097) {
            struct buf bigger = {0};
            buf_reserve(&bigger, MAX(answer->cap * 2, (size_t)16384));
            buf_append(&bigger, answer->data, answer->len);
            wire_wipe(answer);
            *answer = bigger;
        }
        ssize_t n = recv(fd, answer->data + answer->len, 4096, 0);
        if (n > 0) {
            answer->len += (size_t)n;
            answer->data[answer->len] = '\0';
            continue;
        }
        if (n == 0)
            return -ECONNRESET;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        int r = wait_ready(fd, POLLIN, deadline_ms);
        if (r)
            return r;
    }
    return 0;
}

int wire_exchange(const char *path, const struct buf *question, int timeout_ms, size_t max, struct buf *answer)
{
    int64_t deadline_ms = clock_boot_ms() + timeout_ms;
    int fd = wire_connect(path, NULL);
    if (fd < 0)
        return fd;
    int r = send_all(fd, buf_str(question), question->len, deadline_ms);
    if (r == 0)
        r = receive_all(fd, max, answer, deadline_ms);
    close(fd);
    return r;
}

void wire_wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    buf_done(b);
}
