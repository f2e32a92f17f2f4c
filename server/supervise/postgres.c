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

/* The pid in postmaster.pid when that process is a server of this very directory. After a crash the number may
 * belong to anybody, which PostgreSQL itself cannot tell when it is of the same user. */
static pid_t predecessor(const char *data, const char *pid_file)
{
    char cwd[PATH_MAX], link[64], real[PATH_MAX];
    int64_t pid;
    BUF_AUTO text = {0};
    if (file_read(pid_file, 4096, &text))
        return 0;
    text.data[strcspn(text.data, "\n")] = '\0';
    if (parse_i64(text.data, 1, INT32_MAX, &pid) || pid == getpid())
        return 0;
    snprintf(link, sizeof(link), "/proc/%lld/cwd", (long long)pid);
    ssize_t n = readlink(link, cwd, sizeof(cwd) - 1);
    if (n < 0 || !realpath(data, real))
        return 0;
    cwd[n] = '\0';
    return str_eq(cwd, real) ? (pid_t)pid : 0;
}

/* A killed supervisor's server is shutting down by its death signal: wait, then insist. */
static void await_predecessor(const char *data)
{
    char pid_file[PATH_MAX];
    struct timespec tick = {.tv_nsec = 10 * 1000 * 1000};
    if (!settings_path(pid_file, sizeof(pid_file), data, "postmaster.pid"))
        return;
    pid_t pid = predecessor(data, pid_file);
    if (pid) {
        log_info("waiting for the predecessor, pid %d, to end", (int)pid);
        kill(pid, SIGINT);
    }
    for (int64_t until = clock_boot_ms() + PREDECESSOR_MS; pid && clock_boot_ms() < until;) {
        nanosleep(&tick, NULL);
        pid = predecessor(data, pid_file);
    }
    if (pid)
        kill(pid, SIGQUIT);
    else
        unlink(pid_file);
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
    char program[PATH_MAX], sockets[PATH_MAX + 32];
    if (!settings_path(program, sizeof(program), bin, "postgres"))
        return -ENAMETOOLONG;
    snprintf(sockets, sizeof(sockets), "unix_socket_directories=%s", pg->socket_dir);
    const char *argv[] = {program,
                          "-D",
                          data,
                          "-c",
                          sockets,
                          "-c",
                          pg->shared_socket ? "unix_socket_permissions=0770" : "unix_socket_permissions=0700",
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
        await_predecessor(data);
        r = hba_write(pg, data);
    }
    if (!r)
        r = become_server(pg, bin, data);
    log_error("PostgreSQL %lld in %s: %s", (long long)version, pg->dir, strerror(-r));
    return 1;
}
