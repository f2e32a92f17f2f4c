/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sequencer against an oracle: writers that commit late, roll back or are slow; several hubs on one database, the
 * one that numbers killed in between. Every hub must tell every committed change exactly once and in order.
 */
#include "../db/testdb.h"
#include "../test.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "server/core/hub_private.h"
#include "server/store/sql.h"
#include <pthread.h>
#include <stdatomic.h>

enum { N_WRITERS = 6, N_WRITES = 150, N_HUBS = 2, CONVERGE_MS = 60000 };

struct follower {
    pthread_mutex_t lock;
    struct hub *hub;
    int64_t last; /* revision up to which it was told */
    size_t n_told, n_resets;
    struct map seen;       /* object -> non-NULL */
    int newest[N_WRITERS]; /* number of the last change of each writer, which commits them one after another */
    const char *wrong;
};

struct writer {
    pthread_t thread;
    struct test_rng rng;
    int index;
    struct hub *hub;
    char committed[N_WRITES][32];
    size_t n_committed;
};

static void wrong(struct follower *f, const char *what)
{
    if (!f->wrong)
        f->wrong = what;
}

static void check_order(struct follower *f, const char *object)
{
    int writer, i;
    if (sscanf(object, "w%d-%d", &writer, &i) != 2)
        return;
    if (i < f->newest[writer])
        wrong(f, "a later commit was told before an earlier one");
    f->newest[writer] = i;
}

static void on_changes(void *arg, int64_t from, int64_t to, const struct change *changes, size_t n)
{
    struct follower *f = arg;
    pthread_mutex_lock(&f->lock);
    if (n == 0) {
        f->n_resets++;
        f->last = to;
    } else if (from != f->last) {
        wrong(f, "does not go on where it stopped");
    }
    for (size_t i = 0; i < n; i++) {
        if (changes[i].revision != f->last + 1)
            wrong(f, "a number was left out or repeated");
        f->last = changes[i].revision;
        if (map_set(&f->seen, changes[i].object, f))
            wrong(f, "a change was told twice");
        check_order(f, changes[i].object);
        f->n_told++;
    }
    if (f->last != to)
        wrong(f, "`to` is not the last change");
    pthread_mutex_unlock(&f->lock);
}

static void pause_us(uint64_t us)
{
    struct timespec t = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};
    nanosleep(&t, NULL);
}

static void write_one(struct writer *w, struct db *db, int i)
{
    char object[32];
    snprintf(object, sizeof(object), "w%d-%d", w->index, i);
    if (db_begin(db) || change_add(db, "test", object, "added")) {
        db_rollback(db);
        return;
    }
    if (test_rng_below(&w->rng, 3) == 0)
        pause_us(test_rng_below(&w->rng, 8000)); /* somebody with a later id commits first */
    if (test_rng_below(&w->rng, 5) == 0)
        db_rollback(db);
    else if (db_commit(db) == 0)
        memcpy(w->committed[w->n_committed++], object, sizeof(object));
}

static void *write_all(void *arg)
{
    struct writer *w = arg;
    struct db *db = db_new(testdb_conninfo(), &sql_table);
    db_set_on_change(db, hub_signal, w->hub);
    for (int i = 0; i < N_WRITES; i++)
        write_one(w, db, i);
    db_free(db);
    return NULL;
}

static struct hub *hub_make(struct follower *f)
{
    struct db *db = db_new(testdb_conninfo(), &sql_table);
    f->hub = hub_new(testdb_conninfo(), &sql_table);
    assert_int_equal(hub_load(f->hub, db), 0);
    f->last = hub_state(f->hub).revision;
    hub_subscribe(f->hub, on_changes, f);
    hub_start(f->hub);
    db_free(db);
    return f->hub;
}

static void follower_init(struct follower *f)
{
    *f = (struct follower){0};
    pthread_mutex_init(&f->lock, NULL);
    hub_make(f);
}

static size_t told(struct follower *f)
{
    pthread_mutex_lock(&f->lock);
    size_t n = f->n_told;
    pthread_mutex_unlock(&f->lock);
    return n;
}

static size_t resets(struct follower *f)
{
    pthread_mutex_lock(&f->lock);
    size_t n = f->n_resets;
    pthread_mutex_unlock(&f->lock);
    return n;
}

static void await(struct follower *f, size_t n)
{
    int64_t until = clock_boot_ms() + CONVERGE_MS;
    while (told(f) < n && clock_boot_ms() < until)
        pause_us(2000);
    assert_int_equal(told(f), n);
}

static void check(struct follower *f, const struct writer *writers)
{
    if (f->wrong)
        fail_msg("%s", f->wrong);
    for (int i = 0; i < N_WRITERS; i++)
        for (size_t k = 0; k < writers[i].n_committed; k++)
            if (!map_get(&f->seen, writers[i].committed[k]))
                fail_msg("%s was committed and never told", writers[i].committed[k]);
}

static void test_every_commit_is_told_once_and_in_order(void **state)
{
    static struct writer writers[N_WRITERS];
    static struct follower followers[N_HUBS];
    struct test_rng rng = test_rng_seeded("hub");
    size_t committed = 0;
    for (int i = 0; i < N_HUBS; i++)
        follower_init(&followers[i]);
    for (int i = 0; i < N_WRITERS; i++) {
        writers[i].index = i;
        writers[i].rng.state = test_rng_next(&rng);
        writers[i].hub = followers[i % N_HUBS].hub;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]), 0);
    }
    for (int i = 0; i < N_WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        committed += writers[i].n_committed;
    }
    for (int i = 0; i < N_HUBS; i++) {
        await(&followers[i], committed);
    }
    for (int i = 0; i < N_HUBS; i++) {
        hub_free(followers[i].hub);
        check(&followers[i], writers);
        assert_int_equal(followers[i].n_resets, 0);
        map_done(&followers[i].seen);
    }
}

static void add_committed(const char *object)
{
    struct db *db = db_new(testdb_conninfo(), &sql_table);
    assert_int_equal(change_add(db, "test", object, "modified"), 0);
    db_free(db);
}

/* Nobody signals here: another process's commit is found by the poll, a dead sequencer replaced. */
static void test_another_process_takes_over(void **state)
{
    struct follower first, second;
    follower_init(&first);
    add_committed("take-over-1");
    await(&first, 1); /* so the first one has the lock */
    follower_init(&second);
    hub_free(first.hub);
    add_committed("take-over-2");
    await(&second, 1);
    hub_free(second.hub);
    assert_null(second.wrong);
    map_done(&first.seen);
    map_done(&second.seen);
}

static void test_the_database_comes_back(void **state)
{
    struct follower f;
    follower_init(&f);
    add_committed("back-1");
    await(&f, 1);
    testdb_kill();
    testdb_start_again();
    add_committed("back-2");
    await(&f, 2);
    hub_free(f.hub);
    assert_null(f.wrong);
    assert_int_equal(f.n_resets, 0);
    map_done(&f.seen);
}

static void exec(const char *sql)
{
    struct db *db = db_new(testdb_conninfo(), NULL);
    assert_int_equal(db_exec(db, sql), 0);
    db_free(db);
}

/* A copy of the database must not give out the same numbers again. */
static void test_a_restored_database_begins_a_new_epoch(void **state)
{
    struct follower f;
    char since[REVISION_TEXT_LEN];
    int64_t n;
    follower_init(&f);
    add_committed("restore-1");
    await(&f, 1);
    struct hub_state before = hub_state(f.hub);
    revision_format(before.epoch, before.revision, since);
    assert_int_equal(hub_check_since(f.hub, since, &n), 0);
    assert_int_equal(n, before.revision);
    hub_free(f.hub);
    exec("UPDATE postern.meta SET origin = 'elsewhere.1'");
    map_done(&f.seen);
    follower_init(&f);
    int64_t until = clock_boot_ms() + CONVERGE_MS;
    while (!resets(&f) && clock_boot_ms() < until)
        pause_us(2000);
    assert_int_equal(resets(&f), 1);
    assert_int_equal(hub_check_since(f.hub, since, &n), -ESTALE);
    hub_free(f.hub);
    map_done(&f.seen);
}

/* More rows than are kept, and old: the beginning goes, and with it the right to continue from there. */
static void test_old_changes_are_pruned(void **state)
{
    struct follower f;
    char since[REVISION_TEXT_LEN];
    int64_t n;
    follower_init(&f);
    struct hub_state before = hub_state(f.hub);
    hub_free(f.hub);
    map_done(&f.seen);
    exec("INSERT INTO postern.changes (revision, kind, object, op, at)"
         " SELECT m.revision + g, 'test', 'old-' || g, 'added', now() - interval '2 hours'"
         " FROM postern.meta m, generate_series(1, 12000) g;"
         "UPDATE postern.meta SET revision = revision + 12000");
    follower_init(&f);
    int64_t until = clock_boot_ms() + CONVERGE_MS;
    while (hub_state(f.hub).floor <= before.revision && clock_boot_ms() < until)
        pause_us(2000);
    struct hub_state after = hub_state(f.hub);
    assert_int_equal(after.revision, before.revision + 12000);
    assert_int_equal(after.floor, before.revision + 2000);
    revision_format(after.epoch, before.revision, since);
    assert_int_equal(hub_check_since(f.hub, since, &n), -ESTALE);
    revision_format(after.epoch, after.floor, since);
    assert_int_equal(hub_check_since(f.hub, since, &n), 0);
    hub_free(f.hub);
    map_done(&f.seen);
}

static void test_since_must_be_servable(void **state)
{
    struct follower f;
    char text[REVISION_TEXT_LEN];
    int64_t n;
    follower_init(&f);
    struct hub_state s = hub_state(f.hub);
    revision_format(s.epoch, s.revision + 1, text);
    assert_int_equal(hub_check_since(f.hub, text, &n), -ESTALE); /* the future */
    revision_format("0123456789abcdef", s.revision, text);
    assert_int_equal(hub_check_since(f.hub, text, &n), -ESTALE); /* another epoch */
    static const char *const bad[] = {
        "", ".", "x", "x.", ".1", "x.-1", "x.1x", "01234567890123456.1", "x.99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(hub_check_since(f.hub, bad[i], &n), -ESTALE);
    hub_free(f.hub);
    map_done(&f.seen);
}

static int group_set_up(void **state)
{
    testdb_start(state);
    testdb_migrate();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_commit_is_told_once_and_in_order),
        cmocka_unit_test(test_another_process_takes_over),
        cmocka_unit_test(test_the_database_comes_back),
        cmocka_unit_test(test_a_restored_database_begins_a_new_epoch),
        cmocka_unit_test(test_old_changes_are_pruned),
        cmocka_unit_test(test_since_must_be_servable),
    };
    return cmocka_run_group_tests(tests, group_set_up, testdb_stop);
}
