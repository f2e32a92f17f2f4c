/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/daemon.h"
#include "agent/notify.h"
#include "agent/privileges.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/haste.h"
#include "base/log.h"
#include "base/str.h"
#include "gateway/admit.h"
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>

enum {
    STALL_S = 45,          /* three heartbeats of 15 s */
    TICK_MS = 1000,        /* clocks, ends, retries */
    TICK_WAITING_MS = 200, /* while a new session key waits for its first handshake */
    DISTRUST_MS = 60000,   /* how long the kernel is believed without reading it back */
    GOODBYE_MS = 2000,
    HANGING_PASSES = 2, /* an engine that was silent in so many passes is replaced */
};

/* One pass. */

static void take_pools(struct gateway *g, int64_t now)
{
    const struct store_item *item = store_first(link_store(g->link), KIND_SITE, now);
    struct net_prefix pools[2];
    if (!item)
        return;
    const struct site_state *site = item->record;
    if (net_prefix_parse(site->pool_v4, &pools[0]) || net_prefix_parse(site->pool_v6, &pools[1])) {
        log_error("the site's address pools make no sense: %s, %s", site->pool_v4, site->pool_v6);
        return;
    }
    if (g->kernel.n_pools == 2 && net_prefix_eq(pools[0], g->kernel.pools[0]) &&
        net_prefix_eq(pools[1], g->kernel.pools[1]))
        return;
    int r = kernel_route(&g->kernel, pools, 2);
    if (r)
        log_error("no route into the tunnel for %s, %s: %s", site->pool_v4, site->pool_v6, strerror(-r));
}

static void admit_one(struct gateway *g, const struct gateway_connection *c)
{
    struct admission a = {&g->identity, &g->vault, clock_wall_us(), clock_boot_ms()};
    struct vault_peer *p = xalloc(sizeof(*p));
    const char *wrong = admit(&a, c, p);
    if (wrong) {
        free(p);
        answers_fail(g, c->id, wrong);
        return;
    }
    log_info("connection %s admitted: %s", c->id, p->label);
    vault_put(&g->vault, p);
}

static void admit_all(struct gateway *g, int64_t now)
{
    store_for_each(item, link_store(g->link), KIND_GATEWAY_CONNECTION, now)
    {
        const struct gateway_connection *c = item->record;
        if (!str_eq(item->id, c->id) || answers_failed(g, c->id))
            continue;
        if (!vault_find(&g->vault, c->id))
            admit_one(g, c);
        const struct vault_peer *p = vault_find(&g->vault, c->id);
        if (p && c->r.p)
            answers_accept(g, p);
    }
}

static void note_problem(struct gateway *g, const char *what, int r)
{
    char text[256];
    snprintf(text, sizeof(text), "%s: %s", what, strerror(-r));
    if (!str_eq(text, g->problem))
        log_error("%s", text);
    str_copy(g->problem, sizeof(g->problem), text);
}

void gateway_apply(struct gateway *g)
{
    int64_t now = clock_boot_ms();
    const struct store *store = link_store(g->link);
    bool was = g->applied;
    g->applied_ms = now;
    if (!link_synced(g->link) || g->leaving)
        return;
    take_pools(g, now);
    admit_all(g, now);
    /* Keys must be safe before anybody is told that they are in use. */
    int r = vault_save(&g->vault);
    if (r) {
        note_problem(g, "keys cannot be stored", r);
        if (reconcile_shrink(&g->reconcile, store, now, g->closed))
            log_error("and what was revoked stays open until its time is over");
    } else if ((r = reconcile_run(&g->reconcile, store, now, g->closed))) {
        note_problem(g, "the kernel does not take the state", r);
    }
    g->applied = r == 0;
    g->n_timeouts = r == -ETIMEDOUT ? g->n_timeouts + 1 : 0;
    if (g->applied) {
        *g->problem = '\0';
        reconcile_prune(&g->reconcile, store, now);
    }
    answers_prune(g, now);
    answers_send(g);
    if (g->applied != was)
        report_status_soon(g, 0);
}

/* Events of the link. */

static void on_state(void *arg)
{
    struct gateway *g = arg;
    if (g->closed)
        log_info("the state was listed anew; grants open again");
    g->closed = false;
    gateway_apply(g);
    report_status_soon(g, 1000);
}

static void on_renewal(void *arg, const struct renewal_state *m, int64_t at_ms)
{
    struct gateway *g = arg;
    const char *wrong = renewals_take(&g->renewals, m, at_ms);
    if (wrong)
        log_error("renewal %s/%lld refused: %s", m->epoch, (long long)m->seq, wrong);
    else
        gateway_apply(g);
}

static void on_deleted(void *arg, unsigned kind, const char *id, const char *reason)
{
    if (kind == KIND_GRANT || kind == KIND_GATEWAY_CONNECTION)
        log_info("%s %s ended: %s", gateway_role.kinds[kind].name, id, reason ? reason : "no reason given");
}

static void on_connected(void *arg)
{
    struct gateway *g = arg;
    log_info("connected to %s", g->identity.agents_url);
    report_status_soon(g, 0);
}

static void on_lost(void *arg, const char *why)
{
    log_debug("not connected: %s", why);
}

static void close_all(struct gateway *g, const char *why)
{
    log_warn("all grants are closed: %s", why);
    g->closed = true;
    g->renewals.at_ms = INT64_MIN;
    int r = reconcile_close(&g->reconcile);
    if (r) {
        note_problem(g, "grants cannot be closed", r);
        g->applied = false; /* the next tick tries again */
    }
}

static void on_refused(void *arg, const char *why)
{
    struct gateway *g = arg;
    if (!g->closed)
        close_all(g, why);
}

static const struct link_ops link_ops = {
    .on_state = on_state,
    .on_renewal = on_renewal,
    .on_deleted = on_deleted,
    .on_connected = on_connected,
    .on_lost = on_lost,
    .on_refused = on_refused,
};

/* Time. */

static void look_at_clocks(struct gateway *g, int64_t now)
{
    char why[96];
    int64_t gain = clock_watch_look(&g->clock, clock_wall_ms(), now);
    if (!gain)
        return;
    snprintf(why, sizeof(why), "the clock jumped ahead by %lld ms", (long long)gain);
    close_all(g, why);
    if (link_synced(g->link))
        link_relist(g->link);
}

static bool pass_is_due(struct gateway *g, int64_t now, bool waiting)
{
    if (waiting || !g->applied || store_next_end(link_store(g->link), g->applied_ms) <= now)
        return true;
    if (now - g->distrust_ms < DISTRUST_MS)
        return false;
    g->distrust_ms = now;
    reconcile_distrust(&g->reconcile);
    return true;
}

static void feed_watchdog(struct gateway *g, int64_t now)
{
    if (!g->watchdog_ms || now < g->watchdog_due_ms)
        return;
    g->watchdog_due_ms = now + g->watchdog_ms;
    notify_send("WATCHDOG=1");
}

static void replace_missing_engine(struct gateway *g);

static void on_tick(struct loop_timer *timer)
{
    struct gateway *g = container_of(timer, struct gateway, tick);
    int64_t now = clock_boot_ms();
    feed_watchdog(g, now);
    look_at_clocks(g, now);
    if (kernel_lost_table(&g->kernel)) {
        reconcile_distrust(&g->reconcile);
        g->applied = false;
    }
    replace_missing_engine(g);
    bool waiting = link_synced(g->link) && reconcile_waiting(&g->reconcile, link_store(g->link), now);
    if (link_synced(g->link) && pass_is_due(g, now, waiting))
        gateway_apply(g);
    else
        answers_send(g);
    report_denied(g, now);
    if (vault_save(&g->vault))
        log_error("keys cannot be stored");
    loop_timer_start(g->loop, timer, waiting ? TICK_WAITING_MS : TICK_MS);
}

/* The engine. */

static void watch_engine(struct gateway *g);

static void revive_engine(struct gateway *g)
{
    int r = kernel_restart_engine(&g->kernel);
    if (!r)
        r = reconcile_restore(&g->reconcile);
    if (r)
        note_problem(g, "the engine cannot be started", r);
    watch_engine(g);
    gateway_apply(g);
}

static void on_engine_death(struct loop_fd *source, uint32_t events)
{
    struct gateway *g = container_of(source, struct gateway, engine_death);
    loop_fd_remove(source);
    log_error("the WireGuard engine has died; starting another");
    g->applied = false;
    revive_engine(g);
}

/* Also one that could not be started when the last one died: its interface may have been there for a moment yet. */
static void replace_missing_engine(struct gateway *g)
{
    if (g->kernel.engine && g->n_timeouts < HANGING_PASSES)
        return;
    if (g->kernel.engine)
        log_error("the WireGuard engine does not answer; starting another");
    g->n_timeouts = 0;
    loop_fd_remove(&g->engine_death);
    revive_engine(g);
}

static void watch_engine(struct gateway *g)
{
    int fd = g->kernel.engine ? engine_death_fd(g->kernel.engine) : -1;
    g->engine_death = (struct loop_fd){.fd = fd, .events = EPOLLIN, .on_ready = on_engine_death};
    if (fd >= 0 && loop_fd_add(g->loop, &g->engine_death))
        log_warn("the engine's death will not be noticed at once");
}

/* Beginning and end. */

static void on_said_goodbye(void *arg, const struct http_answer *answer)
{
    struct gateway *g = arg;
    loop_stop(g->loop, 0);
}

static void on_leave_timeout(struct loop_timer *timer)
{
    loop_stop(container_of(timer, struct gateway, leave)->loop, 0);
}

static void on_signal(int signo, void *arg)
{
    struct gateway *g = arg;
    if (signo == SIGHUP || g->leaving || !link_connected(g->link)) {
        g->leaving |= signo != SIGHUP;
        loop_stop(g->loop, 0);
        return;
    }
    log_info("leaving");
    notify_send("STOPPING=1");
    g->leaving = true;
    g->leave.on_due = on_leave_timeout;
    loop_timer_start(g->loop, &g->leave, GOODBYE_MS);
    report_goodbye(g, on_said_goodbye);
}

static int catch_signals(struct gateway *g)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return loop_signals(g->loop, &set, on_signal, g);
}

static int open_identity(struct gateway *g)
{
    int r = identity_open(&g->identity, g->settings.state_dir);
    if (r == -ENOENT)
        log_error("not enrolled: run `postern-gateway enroll` first");
    else if (r)
        log_error("%s: %s", g->settings.state_dir, strerror(-r));
    return r;
}

static int open_vault(struct gateway *g)
{
    bool fresh;
    int r = dir_make(g->settings.run_dir, 0700);
    if (!r)
        r = vault_open(&g->vault, g->settings.run_dir, &fresh);
    if (r)
        log_error("%s: %s", g->settings.run_dir, strerror(-r));
    return r;
}

static int open_kernel(struct gateway *g)
{
    const char *step = "capabilities";
    struct kernel_options options = {.interface = g->settings.interface, .engine = g->settings.engine};
    int r = privileges_drop();
    if (!r)
        r = kernel_open(&g->kernel, &options, &step);
    if (r) {
        log_error("%s: %s", step, strerror(-r));
        return r;
    }
    renewals_init(&g->renewals, &g->vault, g->identity.message_key, g->identity.id);
    reconcile_init(&g->reconcile, &kernel_ops, &g->kernel, &g->vault, &g->renewals, g->settings.listen_port);
    r = reconcile_restore(&g->reconcile);
    if (r)
        log_error("the engine does not take its keys: %s", strerror(-r));
    return r;
}

static int open_rest(struct gateway *g)
{
    struct link_options options = {
        .loop = g->loop,
        .identity = &g->identity,
        .role = &gateway_role,
        .stall_s = haste_s(STALL_S),
        .ops = &link_ops,
        .arg = g,
    };
    int r = control_open(&g->control, g->loop, g->settings.run_dir, show_answer, g);
    if (!r)
        r = catch_signals(g);
    if (r) {
        log_error("control socket: %s", strerror(-r));
        return r;
    }
    g->link = link_new(&options);
    g->tick.on_due = on_tick;
    g->watchdog_ms = notify_watchdog_ms();
    report_init(g);
    watch_engine(g);
    return 0;
}

static void work(struct gateway *g)
{
    log_info("gateway %s on %s, port %u", g->identity.id, g->settings.interface, g->settings.listen_port);
    loop_timer_start(g->loop, &g->tick, 0);
    link_start(g->link);
    notify_send("READY=1");
    loop_run(g->loop);
}

static void shut_down(struct gateway *g)
{
    control_close(&g->control);
    loop_timer_stop(&g->tick);
    loop_timer_stop(&g->leave);
    loop_fd_remove(&g->engine_death);
    answers_done(g);
    report_done(g);
    link_free(g->link);
    if (g->leaving) {
        kernel_remove(&g->kernel);
        while (g->vault.n)
            vault_remove_at(&g->vault, g->vault.n - 1);
    }
    if (vault_save(&g->vault))
        log_warn("keys cannot be stored");
}

int gateway_run(const struct settings *settings)
{
    struct gateway *g = xalloc(sizeof(*g));
    g->settings = *settings;
    g->loop = loop_new();
    int r = open_identity(g);
    if (!r && !(r = open_vault(g)) && !(r = open_kernel(g)) && !(r = open_rest(g))) {
        work(g);
        shut_down(g);
    }
    reconcile_done(&g->reconcile);
    kernel_close(&g->kernel);
    vault_close(&g->vault);
    identity_close(&g->identity);
    loop_free(g->loop);
    free(g);
    return r ? 1 : 0;
}
