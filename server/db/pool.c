/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/db/pool.h"
#include "base/str.h"
#include <pthread.h>
#include <signal.h>

enum { THREADS_DEFAULT = 8, QUEUE_DEFAULT = 256 };

struct pool {
    struct pool_options options;
    char *conninfo;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct pool_job *first, **last;
    size_t n_waiting;
    bool stopping;
    pthread_t *threads;
};

/* NULL when the pool ends and nothing is left to do. */
static struct pool_job *take(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->stopping)
        pthread_cond_wait(&pool->wake, &pool->lock);
    struct pool_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first)
            pool->last = &pool->first;
        pool->n_waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void *work(void *arg)
{
    struct pool *pool = arg;
    struct db *db = db_new(pool->conninfo, pool->options.table);
    db_set_on_change(db, pool->options.on_change, pool->options.arg);
    for (struct pool_job *job; (job = take(pool));) {
        job->run(job, db, db_ready(db));
        db_rollback(db); /* a job that forgot its transaction must not lend it to the next one */
    }
    db_free(db);
    return NULL;
}

struct pool *pool_new(const struct pool_options *options)
{
    struct pool *pool = xalloc(sizeof(*pool));
    sigset_t all, before;
    pool->options = *options;
    pool->conninfo = str_dup(options->conninfo);
    pool->last = &pool->first;
    if (!pool->options.n_threads)
        pool->options.n_threads = THREADS_DEFAULT;
    if (!pool->options.queue_max)
        pool->options.queue_max = QUEUE_DEFAULT;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->threads = xalloc(pool->options.n_threads * sizeof(pthread_t));
    /* Signals belong to the thread of the loop. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < pool->options.n_threads; i++)
        if (pthread_create(&pool->threads[i], NULL, work, pool))
            abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->options.n_threads; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    free(pool->threads);
    free(pool->conninfo);
    free(pool);
}

int pool_submit(struct pool *pool, struct pool_job *job)
{
    int r = 0;
    pthread_mutex_lock(&pool->lock);
    if (pool->stopping || pool->n_waiting >= pool->options.queue_max) {
        r = -EBUSY;
    } else {
        job->next = NULL;
        *pool->last = job;
        pool->last = &job->next;
        pool->n_waiting++;
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    return r;
}
