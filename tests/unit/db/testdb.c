/* SPDX-License-Identifier: Apache-2.0 */
#include "testdb.h"
#include "../test.h"
#include "base/clock.h"
#include "server/db/migrate.h"
#include "server/store/sql.h"
#include "server/supervise/child.h"
#include "server/supervise/postgres.h"
#include <ftw.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77, READY_MS = 60000 };

static struct {
    char dir[64], postgres[96], run[96], socket[128], conninfo[256];
    struct identity user;
    pid_t pid;
} t;

static void skip_all(const char *why)
{
    print_message("skipped: %s\n", why);
    exit(SKIPPED);
}

static void find_user(void)
{
    const struct passwd *pw = geteuid() ? getpwuid(geteuid()) : getpwnam("postgres");
    if (access("/usr/lib/postgresql", F_OK) || !pw)
        skip_all("PostgreSQL or its user is not installed");
    t.user.uid = pw->pw_uid;
    t.user.gid = t.user.also = pw->pw_gid;
    snprintf(t.user.name, sizeof(t.user.name), "%s", pw->pw_name);
}

static void make_dir(const char *path, mode_t mode, bool database)
{
    assert_int_equal(mkdir(path, mode), 0);
    assert_int_equal(chmod(path, mode), 0);
    if (database && geteuid() == 0)
        assert_int_equal(chown(path, t.user.uid, t.user.gid), 0);
}

void testdb_start_again(void)
{
    static struct postgres pg;
    pg =
        (struct postgres){.dir = t.postgres, .socket_dir = t.socket, .client = t.user.name, .client_group = t.user.gid};
    const struct child child = {
        .name = "postgres", .who = t.user, .death_signal = SIGKILL, .run = postgres_run, .arg = &pg};
    t.pid = child_fork(&child);
    assert_true(t.pid > 0);
    struct db *db = db_new(t.conninfo, NULL);
    int64_t until = clock_boot_ms() + READY_MS;
    while (db_ready(db) && clock_boot_ms() < until) {
        struct timespec tick = {.tv_nsec = 10 * 1000 * 1000};
        nanosleep(&tick, NULL);
    }
    assert_int_equal(db_ready(db), 0);
    db_free(db);
}

int testdb_start(void **state)
{
    find_user();
    snprintf(t.dir, sizeof(t.dir), "/tmp/postern-testdb-XXXXXX");
    assert_non_null(mkdtemp(t.dir));
    assert_int_equal(chmod(t.dir, 0711), 0);
    snprintf(t.postgres, sizeof(t.postgres), "%s/postgres", t.dir);
    snprintf(t.run, sizeof(t.run), "%s/run", t.dir);
    snprintf(t.socket, sizeof(t.socket), "%s/run/pg", t.dir);
    snprintf(t.conninfo, sizeof(t.conninfo), "host=%s user=postern dbname=postern", t.socket);
    make_dir(t.postgres, 0700, true);
    make_dir(t.run, 0711, false);
    make_dir(t.socket, 0700, true);
    testdb_start_again();
    return 0;
}

static int on_remove(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    return remove(path);
}

static void end(int signo)
{
    if (t.pid > 0) {
        kill(t.pid, signo);
        waitpid(t.pid, NULL, 0);
    }
    t.pid = 0;
}

int testdb_stop(void **state)
{
    end(SIGINT);
    nftw(t.dir, on_remove, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

void testdb_kill(void)
{
    end(SIGKILL);
}

const char *testdb_conninfo(void)
{
    return t.conninfo;
}

const char *testdb_dir(void)
{
    return t.dir;
}

void testdb_migrate(void)
{
    struct db *db = db_new(t.conninfo, &sql_table);
    assert_int_equal(migrate(db, &migration_table, false), 0);
    db_free(db);
}
