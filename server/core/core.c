/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "server/core/private.h"
#include "server/db/migrate.h"
#include "server/settings/status.h"
#include "server/store/sql.h"
#include <limits.h>
#include <pwd.h>
#include <unistd.h>

enum { BOOT_RETRY_MS = 20 };

struct hub *core_hub(struct core *core)
{
    return core->hub;
}

struct pool *core_pool(struct core *core)
{
    return core->pool;
}

const struct settings *core_settings(const struct core *core)
{
    return core->config.settings;
}

const struct core_keys *core_keys(const struct core *core)
{
    return &core->keys;
}

/* --- work at intervals --- */

struct periodic {
    struct core *core;
    struct list link;
    int64_t period_ms;
    void (*fn)(struct core *core, struct db *db, void *arg);
    void *arg;
    struct loop_task begin, done;
    struct loop_timer timer;
    struct pool_job job;
};

static void on_periodic_job(struct pool_job *job, struct db *db, int db_state)
{
    struct periodic *p = container_of(job, struct periodic, job);
    if (!db_state && atomic_load(&p->core->ready))
        p->fn(p->core, db, p->arg);
    loop_post(p->core->loop, &p->done);
}

static void on_periodic_due(struct loop_timer *t)
{
    struct periodic *p = container_of(t, struct periodic, timer);
    if (pool_submit(p->core->pool, &p->job))
        loop_timer_start(p->core->loop, &p->timer, MIN(p->period_ms, BOOT_RETRY_MS));
}

static void periodic_again(struct loop_task *task)
{
    struct periodic *p = container_of(task, struct periodic, done);
    if (!p->core->stopping)
        loop_timer_start(p->core->loop, &p->timer, p->period_ms);
}

static void periodic_begin(struct loop_task *task)
{
    struct periodic *p = container_of(task, struct periodic, begin);
    list_append(&p->core->periodics, &p->link);
    loop_timer_start(p->core->loop, &p->timer, p->period_ms);
}

static void periodic_free(struct periodic *p)
{
    loop_timer_stop(&p->timer);
    free(p);
}

void core_every(struct core *core, int64_t period_ms, void (*fn)(struct core *core, struct db *db, void *arg),
                void *arg)
{
    struct periodic *p = xalloc(sizeof(*p));
    p->core = core;
    p->period_ms = period_ms;
    p->fn = fn;
    p->arg = arg;
    p->begin.run = periodic_begin;
    p->done.run = periodic_again;
    p->timer.on_due = on_periodic_due;
    p->job.run = on_periodic_job;
    loop_post(core->loop, &p->begin);
}

/* --- starting up: as soon as there is a database --- */

static void on_boot_job(struct pool_job *job, struct db *db, int db_state)
{
    struct core *core = container_of(job, struct core, boot);
    int r = db_state;
    if (!r)
        r = migrate(db, &migration_table, false);
    if (!r)
        r = hub_load(core->hub, db);
    if (!r && core->config.app->start)
        r = core->config.app->start(core, db);
    core->boot_result = r;
    loop_post(core->loop, &core->booted);
}

static void status_send(const struct core *core, char what)
{
    if (core->config.status_fd >= 0 && write(core->config.status_fd, &what, 1) < 0) {
        /* The supervisor is gone, and so shall we be by its death signal; or it is slow, and will see the next. */
    }
}

void core_announce(struct core *core)
{
    if (core->announced || !atomic_load(&core->ready) || !core->greeted[LISTENER_PEOPLE] ||
        !core->greeted[LISTENER_AGENTS])
        return;
    core->announced = true;
    status_send(core, STATUS_READY);
}

static void on_booted(struct loop_task *task)
{
    struct core *core = container_of(task, struct core, booted);
    if (core->stopping)
        return;
    if (core->boot_result == -EPROTONOSUPPORT) {
        loop_stop(core->loop, 3);
    } else if (core->boot_result) {
        loop_timer_start(core->loop, &core->boot_again, BOOT_RETRY_MS);
    } else {
        hub_start(core->hub);
        atomic_store(&core->ready, true);
        log_info("core serves");
        core_announce(core);
    }
}

static void on_boot_again(struct loop_timer *t)
{
    struct core *core = container_of(t, struct core, boot_again);
    if (pool_submit(core->pool, &core->boot))
        loop_timer_start(core->loop, &core->boot_again, BOOT_RETRY_MS);
}

static void on_alive(struct loop_timer *t)
{
    struct core *core = container_of(t, struct core, alive);
    status_send(core, STATUS_ALIVE);
    loop_timer_start(core->loop, &core->alive, STATUS_EVERY_MS);
}

/* --- life --- */

static void on_signal(int signo, void *arg)
{
    struct core *core = arg;
    if (signo != SIGHUP) /* keys and settings are read at the start only */
        loop_stop(core->loop, 0);
}

static void on_last(struct loop_task *task)
{
    struct loop *loop = *(struct loop **)(void *)(task + 1);
    loop_stop(loop, 0);
}

/* Runs what workers posted before they ended. */
static void loop_drain(struct loop *loop)
{
    struct {
        struct loop_task task;
        struct loop *loop;
    } last = {{.run = on_last}, loop};
    loop_post(loop, &last.task);
    if (loop_run(loop))
        log_debug("drained");
}

static uid_t front_uid(const struct settings *s)
{
    const struct passwd *pw = getpwnam(s->front_user);
    return pw ? pw->pw_uid : geteuid();
}

static int core_init(struct core *core)
{
    char path[PATH_MAX];
    sigset_t set;
    int r = core_keys_open(&core->keys, core->config.settings);
    if (r)
        return r;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    r = loop_signals(core->loop, &set, on_signal, core);
    if (!r)
        r = settings_path(path, sizeof(path), core->config.settings->run_dir, "core.sock") ? fronts_listen(core, path)
                                                                                           : -ENAMETOOLONG;
    if (r)
        log_error("core: %s: %s", path, strerror(-r));
    return r;
}

static void core_start(struct core *core)
{
    const struct pool_options options = {
        .conninfo = core->config.conninfo, .table = &sql_table, .on_change = hub_signal, .arg = core->hub};
    core->pool = pool_new(&options);
    core->boot.run = on_boot_job;
    core->booted.run = on_booted;
    core->boot_again.on_due = on_boot_again;
    core->alive.on_due = on_alive;
    on_boot_again(&core->boot_again);
    on_alive(&core->alive);
}

static void core_stop(struct core *core)
{
    core->stopping = true;
    fronts_close(core);
    pool_free(core->pool);
    hub_free(core->hub);
    loop_drain(core->loop);
    list_for_each_safe (it, &core->periodics)
        periodic_free(container_of(it, struct periodic, link));
    loop_free(core->loop);
    core_keys_close(&core->keys);
}

int core_run(const struct core_config *config)
{
    struct core *core = xalloc(sizeof(*core));
    core->config = *config;
    core->front_uid = front_uid(config->settings);
    core->loop = loop_new();
    list_init(&core->fronts);
    list_init(&core->periodics);
    core->hub = hub_new(config->conninfo, &sql_table);
    int r = core_init(core);
    if (!r) {
        core_start(core);
        r = loop_run(core->loop);
    }
    core_stop(core);
    free(core);
    return r < 0 ? 1 : r;
}
