/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"
#include "base/clock.h"
#include "base/str.h"
#include "server/db/pool.h"
#include "server/db/row.h"
#include "testdb.h"
#include <pthread.h>

static const char *const colours[] = {"red", "green", NULL};

#define PORT_FIELDS(F) F(INT, first, REC_REQUIRED, 0, 65535, NULL, "First") F(STR, name, 0, 0, 20, NULL, "Name")
REC_STRUCT(test_port, PORT_FIELDS)
#define REC_SELF test_port
REC_TABLE(test_port, PORT_FIELDS)
#undef REC_SELF

#define REC_OF_one   test_port
#define REC_OF_ports test_port
#define THING_FIELDS(F)                                 \
    F(STR, id, REC_REQUIRED, 1, 40, NULL, "Id")         \
    F(STR, note, 0, 0, 400, NULL, "May be missing")     \
    F(INT, n, 0, INT64_MIN, INT64_MAX, NULL, "Number")  \
    F(BOOL, flag, 0, 0, 0, NULL, "Flag")                \
    F(ENUM, colour, 0, 0, 0, colours, "Colour")         \
    F(TIME, at, 0, 0, 0, NULL, "Time")                  \
    F(BYTES, blob, 0, 0, 1000, NULL, "Bytes")           \
    F(STRS, tags, 0, 0, 10, NULL, "text[]")             \
    F(STRS, json_tags, 0, 0, 10, NULL, "jsonb")         \
    F(OBJ, one, 0, 0, 0, &test_port_rec, "Object")      \
    F(LIST, ports, 0, 0, 10, &test_port_rec, "Objects") \
    F(JSON, raw, 0, 0, 1000, NULL, "Any JSON")
REC_STRUCT(thing, THING_FIELDS)
#define REC_SELF thing
REC_TABLE(thing, THING_FIELDS)
#undef REC_SELF

#define COUNT_FIELDS(F) F(INT, n, REC_REQUIRED, 0, INT64_MAX, NULL, "Count")
REC_STRUCT(count, COUNT_FIELDS)
#define REC_SELF count
REC_TABLE(count, COUNT_FIELDS)
#undef REC_SELF

enum { INSERT, GET, LIST, TOO_WIDE, UNKNOWN_PARAM, COUNT, SLEEP, ADD, N_STMTS };
static const char *const insert_params[] = {"id",   "note", "n",         "flag", "colour", "at",
                                            "blob", "tags", "json_tags", "one",  "ports",  "raw"};
static const char *const id_params[] = {"id"};
static const char *const nothing_params[] = {"nothing"};
#define COLUMNS "id, note, n, flag, colour, at, blob, tags, json_tags, one, ports, raw"
static const struct db_stmt stmts[] = {
    [INSERT] = {"t_insert", "INSERT INTO postern.t (" COLUMNS ") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)", 12,
                insert_params, NULL},
    [GET] = {"t_get", "SELECT " COLUMNS " FROM postern.t WHERE id = $1", 1, id_params, &thing_rec},
    [LIST] = {"t_list", "SELECT " COLUMNS " FROM postern.t ORDER BY id", 0, NULL, &thing_rec},
    [TOO_WIDE] = {"t_wide", "SELECT count(*) AS n, 1 AS extra FROM postern.t", 0, NULL, &count_rec},
    [UNKNOWN_PARAM] = {"t_param", "SELECT count(*) AS n FROM postern.t WHERE id = $1", 1, nothing_params, &count_rec},
    [COUNT] = {"t_count", "SELECT count(*) AS n FROM postern.t", 0, NULL, &count_rec},
    [SLEEP] = {"t_sleep", "SELECT pg_sleep(30)", 0, NULL, NULL},
    [ADD] = {"t_add", "UPDATE postern.t SET n = n + 1 WHERE id = $1", 1, id_params, NULL},
};
static const struct db_table table = {stmts, N_STMTS};
static const char schema[] =
    "CREATE SCHEMA postern; CREATE TABLE postern.t (id text PRIMARY KEY, note text, n bigint NOT NULL,"
    " flag boolean NOT NULL, colour text NOT NULL CONSTRAINT t_colour CHECK (colour <> 'blue'),"
    " at timestamptz, blob bytea, tags text[] NOT NULL, json_tags jsonb NOT NULL, one jsonb,"
    " ports jsonb NOT NULL, raw jsonb)";

static struct db *db;
static struct arena a;

static int set_up(void **state)
{
    db = db_new(testdb_conninfo(), &table);
    arena_init(&a, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    db_free(db);
    arena_done(&a);
    return 0;
}

static int group_set_up(void **state)
{
    testdb_start(state);
    struct db *once = db_new(testdb_conninfo(), NULL);
    int r = db_exec(once, schema);
    db_free(once);
    return r;
}

static void make(const char *id)
{
    struct thing t = {.id = id};
    assert_int_equal(db_run(db, INSERT, DB_RECORD(&thing_rec, &t), NULL), 0);
}

static int64_t count(void)
{
    struct count c;
    assert_int_equal(db_one(db, COUNT, DB_NONE, &a, &c), 0);
    return c.n;
}

static void test_every_type_comes_back(void **state)
{
    const char *tags[] = {"a,b", "c\"d"}, *json_tags[] = {"x\\y"};
    struct test_port port = {.first = 443, .name = "https"}, ports[] = {{.first = 1}, {.first = 2, .name = "two"}};
    struct thing in = {.id = "full",
                       .note = "it's \\ \"text\"\n",
                       .n = -REC_INT_MAX,
                       .flag = true,
                       .colour = 1,
                       .at = 1763634600123456,
                       .blob = {(const uint8_t *)"\0\1\xff", 3},
                       .tags = tags,
                       .n_tags = 2,
                       .json_tags = json_tags,
                       .n_json_tags = 1,
                       .one = &port,
                       .ports = ports,
                       .n_ports = 2,
                       .raw = "{\"k\": [1, null]}"};
    struct thing out;
    assert_int_equal(db_run(db, INSERT, DB_RECORD(&thing_rec, &in), NULL), 0);
    assert_int_equal(db_one(db, GET, DB_ARGS(DB_STR("id", "full")), &a, &out), 0);
    assert_true(rec_equal(&thing_rec, &in, &out));
    assert_int_equal(out.blob.len, 3);
    assert_string_equal(out.ports[1].name, "two");
}

static void test_absent_is_null(void **state)
{
    struct thing out, in = {.id = "bare"};
    make("bare");
    assert_int_equal(db_one(db, GET, DB_ARGS(DB_STR("id", "bare")), &a, &out), 0);
    assert_true(rec_equal(&thing_rec, &in, &out));
    assert_null(out.note);
    assert_null(out.one);
    assert_int_equal(out.at, 0);
}

static void test_pairs_come_before_the_record(void **state)
{
    struct thing out, in = {.id = "pair", .n = 5};
    assert_int_equal(db_run(db, INSERT, DB_RECORD_AND(&thing_rec, &in, DB_STR("note", "given"), DB_INT("n", 6)), NULL),
                     0);
    assert_int_equal(db_one(db, GET, DB_ARGS(DB_STR("id", "pair")), &a, &out), 0);
    assert_string_equal(out.note, "given");
    assert_int_equal(out.n, 6);
}

static void test_errors_have_meanings(void **state)
{
    struct thing blue = {.id = "blue"}, none;
    make("twice");
    struct thing twice = {.id = "twice"};
    assert_int_equal(db_run(db, INSERT, DB_RECORD(&thing_rec, &twice), NULL), -EEXIST);
    assert_string_equal(db_constraint(db), "t_pkey");
    db_rollback(db);
    assert_string_equal(db_sqlstate(db), "23505");
    assert_int_equal(db_run(db, INSERT, DB_RECORD_AND(&thing_rec, &blue, DB_STR("colour", "blue")), NULL), -EDOM);
    assert_string_equal(db_constraint(db), "t_colour");
    assert_int_equal(db_one(db, GET, DB_ARGS(DB_STR("id", "nobody")), &a, &none), -ENOENT);
    assert_int_equal(db_one(db, UNKNOWN_PARAM, DB_ARGS(DB_STR("id", "x")), &a, &none), -EIO);
    assert_int_equal(db_one(db, TOO_WIDE, DB_NONE, &a, &none), -EIO);
    assert_int_equal(db_run(db, N_STMTS, DB_NONE, NULL), -EINVAL);
}

static void test_arena_limit_is_kept(void **state)
{
    struct arena small;
    struct thing out;
    arena_init(&small, 8);
    make("limit-of-the-arena");
    assert_int_equal(db_one(db, GET, DB_ARGS(DB_STR("id", "limit-of-the-arena")), &small, &out), -ENOMEM);
    arena_done(&small);
}

static int changes_seen;

static void on_change(void *arg)
{
    changes_seen++;
}

static void test_transactions(void **state)
{
    int64_t before = count();
    db_set_on_change(db, on_change, NULL);
    changes_seen = 0;
    assert_int_equal(db_begin(db), 0);
    make("tx1");
    db_note_change(db);
    db_rollback(db);
    assert_int_equal(count(), before);
    assert_int_equal(changes_seen, 0);
    assert_int_equal(db_begin(db), 0);
    make("tx1");
    db_note_change(db);
    assert_int_equal(db_commit(db), 0);
    assert_int_equal(changes_seen, 1);
    assert_int_equal(count(), before + 1);
    /* After a failure a commit is none. */
    assert_int_equal(db_begin(db), 0);
    struct thing again = {.id = "tx1"};
    assert_int_equal(db_run(db, INSERT, DB_RECORD(&thing_rec, &again), NULL), -EEXIST);
    assert_int_equal(db_commit(db), -EIO);
    assert_false(db_in_transaction(db));
    assert_int_equal(db_begin_snapshot(db), 0);
    assert_int_equal(db_run(db, INSERT, DB_RECORD(&thing_rec, &(struct thing){.id = "ro"}), NULL), -ENOTCONN);
    db_rollback(db);
}

static int attempts;

static int conflict_twice(struct db *conn, void *arg)
{
    attempts++;
    if (attempts > 2)
        return db_run(conn, ADD, DB_ARGS(DB_STR("id", "retry")), NULL);
    return db_exec(conn, "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$");
}

static void test_serialisation_failures_are_retried(void **state)
{
    struct thing out;
    make("retry");
    attempts = 0;
    assert_int_equal(db_transact(db, conflict_twice, NULL), 0);
    assert_int_equal(attempts, 3);
    assert_int_equal(db_one(db, GET, DB_ARGS(DB_STR("id", "retry")), &a, &out), 0);
    assert_int_equal(out.n, 1);
}

static void test_slow_statements_end(void **state)
{
    assert_int_equal(db_exec(db, "SET statement_timeout = 50"), 0);
    assert_int_equal(db_run(db, SLEEP, DB_NONE, NULL), -ETIMEDOUT);
    assert_int_equal(count() > 0, 1);
}

static void test_a_killed_server_is_noticed_and_found_again(void **state)
{
    make("durable");
    assert_int_equal(db_begin(db), 0);
    make("lost");
    uint64_t session = db_session(db);
    testdb_kill();
    struct thing out;
    int r;
    int64_t until = clock_boot_ms() + 10000;
    do /* our backend outlives its parent for a moment */
        r = db_one(db, GET, DB_ARGS(DB_STR("id", "durable")), &a, &out);
    while (!r && clock_boot_ms() < until);
    assert_int_equal(r, -ENOTCONN);
    assert_int_equal(db_commit(db), -ENOTCONN);
    assert_int_equal(db_ready(db), -ENOTCONN);
    testdb_start_again();
    until = clock_boot_ms() + 10000;
    while (db_ready(db) && clock_boot_ms() < until)
        ;
    assert_int_equal(db_one(db, GET, DB_ARGS(DB_STR("id", "durable")), &a, &out), 0);
    assert_int_equal(db_one(db, GET, DB_ARGS(DB_STR("id", "lost")), &a, &out), -ENOENT);
    assert_true(db_session(db) > session);
}

/* --- the pool --- */

enum { N_JOBS = 200 };
struct test_job {
    struct pool_job job;
    int runs, result;
};
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void on_job(struct pool_job *job, struct db *conn, int db_state)
{
    struct test_job *t = container_of(job, struct test_job, job);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    t->runs++;
    t->result = db_state ? db_state : db_run(conn, ADD, DB_ARGS(DB_STR("id", "pool")), NULL);
    if (!db_state && t->runs == 1 && db_begin(conn)) /* left open on purpose */
        t->result = -EIO;
}

static void test_pool_runs_each_job_once_and_bounds_its_queue(void **state)
{
    static struct test_job jobs[N_JOBS];
    const struct pool_options options = {
        .conninfo = testdb_conninfo(), .table = &table, .n_threads = 4, .queue_max = 100};
    struct thing out;
    int accepted = 0;
    make("pool");
    struct pool *pool = pool_new(&options);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < N_JOBS; i++) {
        jobs[i].job.run = on_job;
        int r = pool_submit(pool, &jobs[i].job);
        assert_true(r == 0 || r == -EBUSY);
        accepted += r == 0;
    }
    assert_true(accepted >= 100 && accepted <= 104); /* the queue, and what the threads have taken */
    pthread_mutex_unlock(&gate);
    pool_free(pool);
    for (int i = 0; i < N_JOBS; i++) {
        assert_int_equal(jobs[i].runs, i < accepted);
        assert_int_equal(jobs[i].result, 0);
    }
    assert_int_equal(db_one(db, GET, DB_ARGS(DB_STR("id", "pool")), &a, &out), 0);
    assert_int_equal(out.n, accepted);
}

static void test_row_check_tells_the_differences(void **state)
{
    BUF_AUTO why = {0};
    PGconn *pg = PQconnectdb(testdb_conninfo());
    PGresult *res = PQexec(pg, "SELECT 1::int AS n, 'x' AS extra");
    assert_false(row_check(&count_rec, res, &why));
    assert_non_null(strstr(buf_str(&why), "column extra has no field"));
    assert_non_null(strstr(buf_str(&why), "column has type 23"));
    PQclear(res);
    res = PQexec(pg, "SELECT count(*) AS n FROM postern.t");
    assert_true(row_check(&count_rec, res, &why));
    PQclear(res);
    PQfinish(pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_type_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_absent_is_null, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pairs_come_before_the_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_have_meanings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arena_limit_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transactions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_serialisation_failures_are_retried, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_statements_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_killed_server_is_noticed_and_found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pool_runs_each_job_once_and_bounds_its_queue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_row_check_tells_the_differences, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, group_set_up, testdb_stop);
}
