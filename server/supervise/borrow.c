/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "base/log.h"
#include "server/db/db.h"
#include "server/supervise/child.h"
#include "server/supervise/postgres.h"
#include "server/supervise/supervise.h"
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 20000 };

static bool answers(struct db *db, int64_t patience_ms)
{
    struct timespec tick = {.tv_nsec = 10 * 1000 * 1000};
    int64_t until = clock_boot_ms() + patience_ms;
    for (;;) {
        if (db_ready(db) == 0)
            return true;
        if (clock_boot_ms() >= until)
            return false;
        nanosleep(&tick, NULL);
    }
}

/* The lock says whether posternd runs here; its database may just not be up yet. */
static int start_own(const struct settings *settings, pid_t *pid)
{
    struct identities ids;
    struct paths paths;
    int r = identities_find(settings, &ids);
    if (!r)
        r = paths_prepare(settings, &ids, &paths);
    if (r)
        return r;
    int lock = paths_lock(&paths);
    if (lock < 0)
        return lock == -EBUSY ? 0 : lock;
    struct postgres pg = {
        .dir = paths.postgres, .socket_dir = paths.pg_socket, .client = ids.core.name, .client_group = ids.core.gid};
    const struct child once = {
        .name = "postgres", .who = ids.db, .death_signal = SIGINT, .run = postgres_run, .arg = &pg};
    *pid = child_fork(&once);
    return *pid < 0 ? *pid : 0;
}

int database_borrow(const struct settings *settings, pid_t *pid)
{
    char conninfo[1024];
    *pid = 0;
    int r = postgres_conninfo(settings, conninfo, sizeof(conninfo));
    if (r)
        return r;
    struct db *db = db_new(conninfo, NULL);
    if (!answers(db, 0)) {
        r = settings->database_url ? 0 : start_own(settings, pid);
        if (!r && !answers(db, ANSWER_MS))
            r = -ENOTCONN;
    }
    db_free(db);
    if (r)
        log_error("no database: %s", strerror(-r));
    if (r && *pid > 0) {
        database_return(*pid);
        *pid = 0;
    }
    return r;
}

void database_return(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGINT);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
