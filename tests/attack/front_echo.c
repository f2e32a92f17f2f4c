/* SPDX-License-Identifier: Apache-2.0 */
/* front_echo core SOCKET
 * front_echo people|agents SOCKET CERTIFICATE KEY CA|- [NAME=VALUE…]: runs the real front on a port of 127.0.0.1 that
 * the kernel chooses, prints "port N" first. NAME is a member of struct front_limits. */
#include "tests/attack/front_echo.h"
#include "base/log.h"
#include "base/str.h"
#include "server/front/front.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#define LIMIT(member)                                  \
    {                                                  \
#member, offsetof(struct front_limits, member) \
    }
_Static_assert(sizeof(size_t) == sizeof(int64_t), "limits are set through one type");

static const struct {
    const char *name;
    size_t off;
} limits[] = {
    LIMIT(body_max),     LIMIT(connections_max), LIMIT(connections_per_origin),  LIMIT(requests_max),
    LIMIT(buffered_max), LIMIT(handshake_ms),    LIMIT(requests_per_origin),     LIMIT(requests_per_connection),
    LIMIT(idle_ms),      LIMIT(request_ms),      LIMIT(buffered_per_connection), LIMIT(answer_ms),
    LIMIT(send_ms),      LIMIT(drain_ms),
};

static int set_limit(struct front_limits *l, const char *text)
{
    const char *eq = strchr(text, '=');
    uint64_t v;
    if (!eq || parse_u64(eq + 1, 0, INT64_MAX, &v))
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        if (strlen(limits[i].name) != (size_t)(eq - text) || strncmp(limits[i].name, text, (size_t)(eq - text)))
            continue;
        memcpy((char *)l + limits[i].off, &v, sizeof(v));
        return 0;
    }
    return -EINVAL;
}

static int listen_anywhere(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) || listen(fd, 128) ||
        getsockname(fd, (struct sockaddr *)&sa, &len))
        return -errno;
    printf("port %d\n", ntohs(sa.sin_port));
    fflush(stdout);
    return fd;
}

/* A small send buffer is what a slow network looks like from here; accepted sockets inherit it. */
static void set_send_buffer(int fd)
{
    uint64_t v;
    const char *text = getenv("FRONT_ECHO_SNDBUF");
    if (!text || parse_u64(text, 1, 1 << 30, &v))
        return;
    int bytes = (int)v;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)))
        perror("SO_SNDBUF");
}

int main(int argc, char **argv)
{
    log_init("front_echo");
    if (argc == 3 && str_eq(argv[1], "core"))
        return core_echo_main(argv[2]);
    if (argc < 6) {
        fprintf(stderr, "usage: front_echo core SOCKET | people|agents SOCKET CERTIFICATE KEY CA [NAME=VALUE...]\n");
        return 2;
    }
    struct front_config config = {.listener = str_eq(argv[1], "agents") ? FRAME_AGENTS : FRAME_PEOPLE,
                                  .core_socket = argv[2],
                                  .certificate = argv[3],
                                  .key = argv[4],
                                  .device_ca = argv[5]};
    front_limits_default(&config.limits);
    for (int i = 6; i < argc; i++)
        if (set_limit(&config.limits, argv[i])) {
            fprintf(stderr, "unknown limit: %s\n", argv[i]);
            return 2;
        }
    config.listen_fd = listen_anywhere();
    if (config.listen_fd < 0)
        return 1;
    set_send_buffer(config.listen_fd);
    return front_main(&config);
}
