/* SPDX-License-Identifier: Apache-2.0 */
/* A private PostgreSQL for a test program, made and run by posternd's own code in a directory that goes away with it. */
#pragma once
#include "server/db/db.h"

/* cmocka group fixtures. Without PostgreSQL's programs or its user they print why and end the program as skipped. */
int testdb_start(void **state);
int testdb_stop(void **state);

const char *testdb_conninfo(void);
/* Directory of the run, with settings like posternd's below it: DIR/run has the socket directory pg. */
const char *testdb_dir(void);
/* The schema of migrations/, once. */
void testdb_migrate(void);
/* kill -9 of the server, and a new one on the same data. */
void testdb_kill(void);
void testdb_start_again(void);
