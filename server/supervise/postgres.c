/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/supervise/postgres.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "server/supervise/cluster.h"
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { PREDECESSOR_MS = 5000 };
static const char versions_dir[] = "/usr/lib/postgresql";

int postgres_conninfo(const struct settings *s, char *out, size_t cap)
{
    int n = s->database_url ? snprintf(out, cap, "%s", s->database_url)
                            : snprintf(out, cap, "host=%s/pg user=postern dbname=postern", s->run_dir);
    return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}

/* The major version of the cluster, or 0 when there is none. */
static int64_t cluster_version(const char *data)
{
    char path[PATH_MAX];
    BUF_AUTO text = {0};
    int64_t version = 0;
    if (!settings_path(path, sizeof(path), data, "PG_VERSION") || file_read(path, 16, &text))
        return 0;
    text.data[strcspn(text.data, "\n")] = '\0';
    return parse_i64(text.data, 1, 999, &version) ? 0 : version;
}

static int64_t newest_version(void)
{
    int64_t best = 0, n;
    DIR *dir = opendir(versions_dir);
    if (!dir)
        return 0;
    for (const struct dirent *e; (e = readdir(dir));)
        if (!parse_i64(e->d_name, 1, 999, &n) && n > best)
            best = n;
    closedir(dir);
    return best;
}

/* The first line of a lock file of PostgreSQL as a number, 0 when there is none; *rest = what follows it. */
static pid_t lock_pid(const char *file, struct buf *text, const char **rest)
{
    int64_t pid;
    if (file_read(file, 4096, text) || !text->len)
        return 0;
    size_t n = strcspn(text->data, "\n");
    *rest = text->data + n + (text->data[n] == '\n');
    text->data[n] = '\0';
    return parse_i64(text->data, 1, INT32_MAX, &pid) ? 0 : (pid_t)pid;
}

/* Whether the process is a server of this very directory. After a crash the number may belong to anybody, which
 * PostgreSQL itself cannot tell when it is of the same user. */
static bool serves(pid_t pid, const char *data)
{
    char cwd[PATH_MAX], link[64], real[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/%d/cwd", (int)pid);
    ssize_t n = readlink(link, cwd, sizeof(cwd) - 1);
    if (n < 0 || !realpath(data, real))
        return false;
    cwd[n] = '\0';
    return pid != getpid() && str_eq(cwd, real);
}

/* A killed supervisor's server is shutting down by its death signal: wait, then insist. */
static void await_end(pid_t pid, const char *data)
{
    struct timespec tick = {.tv_nsec = 10 * 1000 * 1000};
    log_info("waiting for the predecessor, pid %d, to end", (int)pid);
    kill(pid, SIGINT);
    int64_t until = clock_boot_ms() + PREDECESSOR_MS;
    while (serves(pid, data) && clock_boot_ms() < until)
        nanosleep(&tick, NULL);
    if (serves(pid, data))
        kill(pid, SIGQUIT);
}

/* A lock that a dead server left. Where its number belongs to a stranger now, our own takes its place, which
 * PostgreSQL sees through; the rest stays, because by it PostgreSQL finds orphans that still use the shared memory. */
static void clear_lock(const char *dir, const char *name, const char *data)
{
    char file[PATH_MAX];
    const char *rest;
    BUF_AUTO text = {0}, ours = {0};
    if (!settings_path(file, sizeof(file), dir, name))
        return;
    pid_t pid = lock_pid(file, &text, &rest);
    if (pid && serves(pid, data))
        await_end(pid, data);
    else if (pid && pid != getpid() && kill(pid, 0) == 0) {
        log_info("%s names process %d, which is none of ours", file, (int)pid);
        buf_printf(&ours, "%d\n%s", (int)getpid(), rest);
        if (file_replace(file, ours.data, ours.len, 0600))
            log_warn("%s: %s", file, strerror(errno));
    }
}

static int hba_write(const struct postgres *pg, const char *data)
{
    char hba[PATH_MAX], ident[PATH_MAX];
    static const char rules[] = "local postern postern peer map=postern\n";
    BUF_AUTO map = {0};
    buf_printf(&map, "postern root postern\npostern \"%s\" postern\n", pg->client);
    if (!settings_path(hba, sizeof(hba), data, "pg_hba.conf") ||
        !settings_path(ident, sizeof(ident), data, "pg_ident.conf"))
        return -ENAMETOOLONG;
    int r = file_replace(hba, rules, strlen(rules), 0600);
    return r ? r : file_replace(ident, map.data, map.len, 0600);
}

static int become_server(const struct postgres *pg, const char *bin, const char *data)
{
    char program[PATH_MAX], sockets[PATH_MAX + 32], group[48];
    if (!settings_path(program, sizeof(program), bin, "postgres"))
        return -ENAMETOOLONG;
    snprintf(group, sizeof(group), "unix_socket_group=%u", (unsigned)pg->client_group);
    snprintf(sockets, sizeof(sockets), "unix_socket_directories=%s", pg->socket_dir);
    const char *argv[] = {program,
                          "-D",
                          data,
                          "-c",
                          sockets,
                          "-c",
                          "unix_socket_permissions=0770",
                          "-c",
                          group,
                          "-c",
                          "listen_addresses=",
                          "-c",
                          "max_connections=60",
                          "-c",
                          "shared_buffers=64MB",
                          "-c",
                          "jit=off",
                          "-c",
                          "log_min_messages=warning",
                          "-c",
                          "log_line_prefix=postgres[%p]: ",
                          NULL};
    cluster_exec(argv);
    return -errno;
}

int postgres_run(void *arg)
{
    const struct postgres *pg = arg;
    char data[PATH_MAX], bin[PATH_MAX];
    if (!settings_path(data, sizeof(data), pg->dir, "data"))
        return 1;
    int64_t version = cluster_version(data);
    if (!version)
        version = newest_version();
    snprintf(bin, sizeof(bin), "%s/%lld/bin", versions_dir, (long long)version);
    int r = cluster_version(data) ? 0 : cluster_make(pg->dir, bin);
    if (!r) {
        clear_lock(data, "postmaster.pid", data);
        clear_lock(pg->socket_dir, ".s.PGSQL.5432.lock", data);
        r = hba_write(pg, data);
    }
    if (!r)
        r = become_server(pg, bin, data);
    log_error("PostgreSQL %lld in %s: %s", (long long)version, pg->dir, strerror(-r));
    return 1;
}
