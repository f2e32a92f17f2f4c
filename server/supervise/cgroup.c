/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/supervise/cgroup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int put(const char *dir, const char *file, const char *text)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;
    if (fd < 0)
        return -errno;
    if (write(fd, text, strlen(text)) < 0)
        r = -errno;
    close(fd);
    return r;
}

/* Our own group out of /proc/self/cgroup: the line of the memory controller (v1), or "0::" (v2). */
static bool own_group(const char *table, bool v2, char out[static PATH_MAX])
{
    for (const char *line = table; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        size_t n = path ? strcspn(path + 1, "\n") : 0;
        bool match = v2 ? str_starts(line, "0::") : controllers && str_starts(controllers, ":memory:");
        if (!path || !match || n >= PATH_MAX)
            continue;
        memcpy(out, path + 1, n);
        out[n] = '\0';
        return true;
    }
    return false;
}

/* v2: a group with processes of its own cannot have limited children, so we move aside first. */
static int make_v2(const char *own, const char *name, const char *limit, char dir[static PATH_MAX])
{
    char mine[PATH_MAX], aside[PATH_MAX];
    if (snprintf(mine, sizeof(mine), "/sys/fs/cgroup%s", own) >= PATH_MAX ||
        snprintf(aside, sizeof(aside), "%s/supervisor", mine) >= PATH_MAX ||
        snprintf(dir, PATH_MAX, "%s/%s", mine, name) >= PATH_MAX)
        return -ENAMETOOLONG;
    if (access("/sys/fs/cgroup/cgroup.controllers", R_OK) || str_eq(own, "/"))
        return -ENOTSUP;
    if ((mkdir(aside, 0755) && errno != EEXIST) || (mkdir(dir, 0755) && errno != EEXIST))
        return -errno;
    int r = put(aside, "cgroup.procs", "0");
    if (!r)
        r = put(mine, "cgroup.subtree_control", "+memory");
    if (!r)
        r = put(dir, "memory.max", limit);
    return r;
}

static int make_v1(const char *own, const char *name, const char *limit, char dir[static PATH_MAX])
{
    if (snprintf(dir, PATH_MAX, "/sys/fs/cgroup/memory%s/%s", own, name) >= PATH_MAX)
        return -ENAMETOOLONG;
    if (mkdir(dir, 0755) && errno != EEXIST)
        return -errno;
    return put(dir, "memory.limit_in_bytes", limit);
}

void cgroup_make(struct cgroup *g, const char *name, uint64_t memory_max)
{
    char own[PATH_MAX], limit[32];
    BUF_AUTO table = {0};
    int r = file_read("/proc/self/cgroup", 65536, &table);
    snprintf(limit, sizeof(limit), "%llu", (unsigned long long)memory_max);
    if (!r) {
        r = -ENOTSUP;
        if (own_group(buf_str(&table), false, own))
            r = make_v1(own, name, limit, g->dir);
        if (r && own_group(buf_str(&table), true, own))
            r = make_v2(own, name, limit, g->dir);
    }
    if (r) {
        log_info("no memory cap for the fronts: %s", strerror(-r));
        g->dir[0] = '\0';
    }
}

void cgroup_join(const struct cgroup *g)
{
    int r = g->dir[0] ? put(g->dir, "cgroup.procs", "0") : 0;
    if (r)
        log_warn("process %d runs without its memory cap: %s", (int)getpid(), strerror(-r));
}

void cgroup_remove(const struct cgroup *g)
{
    if (g->dir[0] && rmdir(g->dir))
        log_debug("%s: %s", g->dir, strerror(errno));
}
