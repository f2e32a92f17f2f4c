/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Worker threads, each with a database connection of its own, that take jobs from one bounded queue. The pool
 * never owns a job: whoever submits it keeps it alive until run() is called, exactly once for each accepted job.
 */
#pragma once
#include "server/db/db.h"

struct pool;

/* On a worker. db_state is what db_ready() said: 0 or -ENOTCONN (then db must not be used). */
struct pool_job {
    void (*run)(struct pool_job *job, struct db *db, int db_state);
    struct pool_job *next;
};

struct pool_options {
    const char *conninfo;
    const struct db_table *table;
    size_t n_threads;             /* 0 = 8 */
    size_t queue_max;             /* 0 = 256 */
    void (*on_change)(void *arg); /* see db_set_on_change(); any worker */
    void *arg;
};

struct pool *pool_new(const struct pool_options *options) MUSTCHECK;
/* Runs what was accepted, then ends the threads. */
void pool_free(struct pool *pool);
/* From any thread. 0, or -EBUSY when the queue is full: answer 503. */
int pool_submit(struct pool *pool, struct pool_job *job) MUSTCHECK;
