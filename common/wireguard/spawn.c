/* SPDX-License-Identifier: Apache-2.0 */
#include "wireguard/spawn.h"
#include "base/clock.h"
#include "base/str.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

int spawn_watch_init(struct spawn_watch *w, const char *path)
{
    const char *slash = strrchr(path, '/');
    char dir[128];
    if (!slash || (size_t)(slash - path) >= sizeof(dir))
        return -EINVAL;
    memcpy(dir, path, (size_t)(slash - path));
    dir[slash - path] = '\0';
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->fd < 0)
        return -errno;
    if (inotify_add_watch(w->fd, dir, IN_CREATE | IN_MOVED_TO | IN_ATTRIB) < 0) {
        int r = -errno;
        spawn_watch_done(w);
        return r;
    }
    return 0;
}

void spawn_watch_done(struct spawn_watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

int spawn_watch_wait(struct spawn_watch *w, int pidfd, int64_t deadline_ms)
{
    /* bind() is announced, listen() a moment later is not: look again after 20 ms even when nothing was
     * heard. */
    enum { LOOK_AGAIN_MS = 20 };
    int64_t left = deadline_ms - clock_boot_ms();
    if (left <= 0)
        return -ETIMEDOUT;
    struct pollfd p[2] = {{.fd = w->fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    if (poll(p, 2, (int)MIN(left, LOOK_AGAIN_MS)) < 0 && errno != EINTR)
        return -errno;
    if (p[1].revents)
        return -ECHILD;
    char events[4096];
    while (read(w->fd, events, sizeof(events)) > 0)
        ;
    return 0;
}

static int prepare(posix_spawnattr_t *attr, posix_spawn_file_actions_t *files, const char *log_path)
{
    /* Our loop blocks signals in every thread; the child must be able to hear SIGTERM. */
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int r = posix_spawnattr_setsigmask(attr, &none);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(attr, &all);
    if (r == 0)
        r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(files, 1, log_path ? log_path : "/dev/null", O_WRONLY | O_CREAT | O_APPEND,
                                             0600);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(files, 1, 2);
    return -r;
}

int spawn_detached(const char *const argv[], const char *log_path, pid_t *pid, int *pidfd)
{
    const char *path = getenv("PATH");
    char path_entry[1024];
    int n = snprintf(path_entry, sizeof(path_entry), "PATH=%s", path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
    if (n < 0 || (size_t)n >= sizeof(path_entry))
        return -E2BIG;
    const char *envp[] = {path_entry, "WG_PROCESS_FOREGROUND=1", "LOG_LEVEL=error", NULL};
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_init(&files);
    int r = prepare(&attr, &files, log_path);
    /* posix_spawnp() promises not to change the strings; its prototype predates const. */
    if (r == 0)
        r = -posix_spawnp(pid, argv[0], &files, &attr, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)envp);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    if (r)
        return r;
    *pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
    return *pidfd < 0 ? -errno : 0;
}
