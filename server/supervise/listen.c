/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/supervise/listen.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 1024, TAKEN_MS = 6000 };

static int open_once(const struct addrinfo *ai)
{
    int on = 1, off = 0, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
              (ai->ai_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
              bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    if (ok)
        return fd;
    int r = -errno;
    close(fd);
    return r;
}

/* Splits "[host]:port" or "host:port" in place. */
static int split(char *text, const char **host, const char **port)
{
    char *colon = strrchr(text, ':');
    if (!colon)
        return -EINVAL;
    *colon = '\0';
    *port = colon + 1;
    *host = text;
    size_t n = strlen(text);
    if (text[0] == '[') {
        if (n < 3 || text[n - 1] != ']')
            return -EINVAL;
        text[n - 1] = '\0';
        *host = text + 1;
    } else if (strchr(text, ':')) {
        return -EINVAL; /* an IPv6 address needs its brackets */
    }
    return 0;
}

static int resolve(const char *address, struct addrinfo **out)
{
    static const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    char text[80];
    const char *host, *port;
    uint64_t number;
    /* getaddrinfo() takes 70000 for 4464. */
    if (!str_copy(text, sizeof(text), address) || split(text, &host, &port) || parse_u64(port, 0, 65535, &number))
        return -EINVAL;
    return getaddrinfo(host, port, &hints, out) ? -EINVAL : 0;
}

static int open_waiting(const struct addrinfo *ai)
{
    struct timespec tick = {.tv_nsec = 20 * 1000 * 1000};
    int64_t until = clock_boot_ms() + TAKEN_MS;
    for (;;) {
        int fd = open_once(ai);
        if (fd != -EADDRINUSE || clock_boot_ms() >= until)
            return fd;
        nanosleep(&tick, NULL);
    }
}

int listen_open(const char *address)
{
    struct addrinfo *ai;
    int fd = resolve(address, &ai);
    if (!fd) {
        fd = open_waiting(ai);
        freeaddrinfo(ai);
    }
    if (fd == -EAFNOSUPPORT && str_starts(address, "[::]:")) {
        char v4[32] = "0.0.0.0:"; /* a kernel without IPv6 */
        str_copy(v4 + 8, sizeof(v4) - 8, address + 5);
        return listen_open(v4);
    }
    if (fd < 0)
        log_error("cannot listen on %s: %s", address, strerror(-fd));
    return fd;
}

unsigned listen_port(int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    if (getsockname(fd, (struct sockaddr *)&sa, &len))
        return 0;
    if (sa.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)(void *)&sa)->sin6_port);
    return ntohs(((struct sockaddr_in *)(void *)&sa)->sin_port);
}
