/* SPDX-License-Identifier: Apache-2.0 */
#include "wireguard/engine.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "wireguard/spawn.h"
#include "wireguard/wire.h"
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMEOUT_MS = 5000, STOP_MS = 3000, ANSWER_MAX = 256 << 20 };

struct engine {
    char interface[IFNAMSIZ];
    char path[128]; /* of the socket */
    int timeout_ms;
    pid_t pid;
    int pidfd;
};

/* The name becomes part of a path and of an argument list: letters, digits, '-', '_' only. */
static bool name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return n > 0 && n < IFNAMSIZ && name[n] == '\0' && name[0] != '-';
}

static int engine_init(struct engine *e, const struct engine_options *o)
{
    const char *dir = o->dir ? o->dir : "/var/run/wireguard";
    if (!name_ok(o->interface) || !str_copy(e->interface, sizeof(e->interface), o->interface))
        return -EINVAL;
    int n = snprintf(e->path, sizeof(e->path), "%s/%s.sock", dir, o->interface);
    if (n < 0 || (size_t)n >= sizeof(e->path))
        return -ENAMETOOLONG;
    e->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS;
    e->pidfd = -1;
    return dir_make(dir, 0755);
}

/* Attaching to whoever listens there would hand our private key to them: only root or our own user will do.
 */
static int attach(struct engine *e)
{
    struct wire_peer peer;
    int fd = wire_connect(e->path, &peer);
    if (fd < 0)
        return fd;
    close(fd);
    if (peer.uid != 0 && peer.uid != geteuid())
        return -EPERM;
    e->pid = peer.pid;
    e->pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
    return 0;
}

/* True while nobody listens (yet): no socket, or one that a dead process left behind. */
static bool absent(int r)
{
    return r == -ENOENT || r == -ECONNREFUSED;
}

static int start(struct engine *e, const struct engine_options *o)
{
    /* A file left behind would be reported to the watch as being there already. */
    unlink(e->path);
    struct spawn_watch watch;
    int r = spawn_watch_init(&watch, e->path);
    if (r)
        return r;
    const char *argv[] = {o->program ? o->program : "wireguard-go", "-f", e->interface, NULL};
    r = spawn_detached(argv, o->log_path, &e->pid, &e->pidfd);
    int64_t deadline = clock_boot_ms() + e->timeout_ms;
    while (r == 0) {
        int fd = wire_connect(e->path, NULL);
        if (fd >= 0) {
            close(fd);
            break;
        }
        r = absent(fd) ? spawn_watch_wait(&watch, e->pidfd, deadline) : fd;
    }
    spawn_watch_done(&watch);
    return r;
}

int engine_start(const struct engine_options *options, struct engine **out, bool *attached)
{
    struct engine *e = xalloc(sizeof(*e));
    int r = engine_init(e, options);
    if (r)
        goto fail;
    r = attach(e);
    *attached = r == 0;
    if (absent(r))
        r = start(e, options);
    if (r)
        goto fail;
    *out = e;
    return 0;
fail:
    if (e->pid > 0 && !*attached)
        engine_stop(e);
    else
        engine_free(e);
    return r;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    if (e->pidfd >= 0)
        close(e->pidfd);
    /* Reaps it when it was our child and has ended; else nothing happens. */
    if (e->pid > 0)
        waitpid(e->pid, NULL, WNOHANG);
    free(e);
}

static int signal_and_wait(const struct engine *e, int signo, int wait_ms)
{
    if (syscall(SYS_pidfd_send_signal, e->pidfd, signo, NULL, 0))
        return -errno;
    struct pollfd p = {.fd = e->pidfd, .events = POLLIN};
    return poll(&p, 1, wait_ms) == 1 ? 0 : -ETIMEDOUT;
}

void engine_stop(struct engine *e)
{
    if (!e)
        return;
    if (e->pidfd >= 0 && signal_and_wait(e, SIGTERM, STOP_MS) == -ETIMEDOUT)
        (void)signal_and_wait(e, SIGKILL, STOP_MS);
    unlink(e->path);
    engine_free(e);
}

const char *engine_interface(const struct engine *e)
{
    return e->interface;
}

int engine_death_fd(const struct engine *e)
{
    return e->pidfd;
}

static int exchange(struct engine *e, const struct buf *question, struct wg_device *out)
{
    CLEANUP(wire_wipe) struct buf answer = {0};
    int r = wire_exchange(e->path, question, e->timeout_ms, ANSWER_MAX, &answer);
    if (r == 0)
        r = uapi_parse(buf_str(&answer), answer.len, out);
    return absent(r) ? -ENOTCONN : r;
}

int engine_get(struct engine *e, struct wg_device *out)
{
    BUF_AUTO question = {0};
    buf_puts(&question, "get=1\n\n");
    return exchange(e, &question, out);
}

int engine_set(struct engine *e, const struct buf *set)
{
    struct wg_device nothing = {0};
    int r = exchange(e, set, &nothing);
    wg_device_done(&nothing);
    return r;
}

int engine_apply(struct engine *e, const struct wg_device *desired, bool *changed)
{
    UAPI_TEXT set = {0};
    struct wg_device actual = {0};
    int r = engine_get(e, &actual);
    if (r)
        return r;
    r = uapi_diff(&actual, desired, &set);
    wg_device_done(&actual);
    if (changed)
        *changed = r == 0 && set.len > 0;
    return r || set.len == 0 ? r : engine_set(e, &set);
}
