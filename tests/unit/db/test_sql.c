/* SPDX-License-Identifier: Apache-2.0 */
/* Every statement of server/store/sql on the migrated schema; and the migrations themselves. */
#include "../test.h"
#include "base/str.h"
#include "server/db/migrate.h"
#include "server/db/row.h"
#include "server/store/sql.h"
#include "testdb.h"

enum { OID_VOID = 2278 };

static int group_set_up(void **state)
{
    testdb_start(state);
    testdb_migrate();
    return 0;
}

static int check(PGconn *pg, const struct db_stmt *stmt, struct buf *why)
{
    PGresult *res = PQprepare(pg, stmt->name, stmt->text, 0, NULL);
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    if (!ok)
        buf_printf(why, "%s", PQresultErrorMessage(res));
    PQclear(res);
    if (!ok)
        return 1;
    res = PQdescribePrepared(pg, stmt->name);
    if ((size_t)PQnparams(res) != stmt->n_params) {
        buf_printf(why, "%d parameters, not %zu\n", PQnparams(res), stmt->n_params);
        ok = false;
    }
    if (stmt->rows && !row_check(stmt->rows, res, why))
        ok = false;
    /* A function called for its effect answers with one column of type void. */
    bool nothing = PQnfields(res) == 0 || (PQnfields(res) == 1 && PQftype(res, 0) == OID_VOID);
    if (!stmt->rows && !nothing) {
        buf_printf(why, "returns %d columns into no record\n", PQnfields(res));
        ok = false;
    }
    PQclear(res);
    return !ok;
}

static void test_every_statement_fits_the_schema_and_its_record(void **state)
{
    int bad = 0;
    PGconn *pg = PQconnectdb(testdb_conninfo());
    PQclear(PQexec(pg, "SET search_path = ''"));
    for (size_t i = 0; i < sql_table.n; i++) {
        BUF_AUTO why = {0};
        if (check(pg, &sql_table.stmts[i], &why)) {
            print_message("%s: %s\n", sql_table.stmts[i].name, buf_str(&why));
            bad++;
        }
    }
    PQfinish(pg);
    assert_int_equal(bad, 0);
    assert_true(sql_table.n > 10);
}

static void test_migrating_again_does_nothing(void **state)
{
    struct db *db = db_new(testdb_conninfo(), &sql_table);
    assert_int_equal(migrate(db, &migration_table, false), 0);
    assert_int_equal(migrate(db, &migration_table, true), 0);
    db_free(db);
}

/* A binary that knows one migration less than the database has, or another text of one, must not touch it. */
static void test_newer_and_altered_databases_are_refused(void **state)
{
    struct db *db = db_new(testdb_conninfo(), &sql_table);
    const struct migration_table fewer = {migration_table.list, migration_table.n - 1};
    assert_int_equal(migrate(db, &fewer, false), -EPROTONOSUPPORT);
    struct migration *altered = malloc(migration_table.n * sizeof(*altered));
    memcpy(altered, migration_table.list, migration_table.n * sizeof(*altered));
    altered[0].sha256 = "0000";
    const struct migration_table other = {altered, migration_table.n};
    assert_int_equal(migrate(db, &other, false), -EPROTONOSUPPORT);
    free(altered);
    db_free(db);
}

static void test_a_failing_migration_leaves_nothing(void **state)
{
    struct db *db = db_new(testdb_conninfo(), &sql_table);
    struct migration *more = malloc((migration_table.n + 1) * sizeof(*more));
    memcpy(more, migration_table.list, migration_table.n * sizeof(*more));
    more[migration_table.n] =
        (struct migration){9999, "broken", "x", "CREATE TABLE postern.half (x int); SELECT 1 / 0;"};
    const struct migration_table table = {more, migration_table.n + 1};
    assert_int_equal(migrate(db, &table, false), -EIO);
    assert_int_equal(
        db_exec(db, "DO $$ BEGIN IF to_regclass('postern.half') IS NOT NULL THEN RAISE 'half'; END IF; END $$"), 0);
    assert_int_equal(migrate(db, &migration_table, false), 0);
    free(more);
    db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_statement_fits_the_schema_and_its_record),
        cmocka_unit_test(test_migrating_again_does_nothing),
        cmocka_unit_test(test_newer_and_altered_databases_are_refused),
        cmocka_unit_test(test_a_failing_migration_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, group_set_up, testdb_stop);
}
