/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/notify.h"
#include "base/str.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@') || !str_copy(sa.sun_path, sizeof(sa.sun_path), path))
        return;
    size_t n = strlen(path);
    if (sa.sun_path[0] == '@')
        sa.sun_path[0] = '\0'; /* abstract */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&sa,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
}

int64_t notify_watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    uint64_t v;
    return usec && parse_u64(usec, 1, INT64_MAX, &v) == 0 ? (int64_t)(v / 2000) : 0;
}
