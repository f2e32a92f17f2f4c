/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/supervise/notify.h"
#include "base/str.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || !str_copy(to.sun_path, sizeof(to.sun_path), path))
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* abstract */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0) {
        /* The manager went away; it will notice itself. */
    }
    close(fd);
}

int64_t notify_watchdog_ms(void)
{
    const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t n;
    if (!us || parse_i64(us, 1, INT64_MAX, &n))
        return 0;
    int64_t for_pid;
    if (pid && (parse_i64(pid, 1, INT32_MAX, &for_pid) || for_pid != getpid()))
        return 0;
    return MAX(n / 2000, 1);
}
