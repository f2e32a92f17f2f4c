/* SPDX-License-Identifier: Apache-2.0 */
#include "client/daemon.h"
#include "agent/notify.h"
#include "agent/privileges.h"
#include "agent/problem.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/haste.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"

enum {
    STALL_S = 180,      /* three bookmarks of 60 s */
    HANDSHAKE_MS = 100, /* how often a tunnel that has not proved alive is looked at */
    PROBLEM_MS = 5000,  /* how often the kernel is tried again */
    PASS_MEMORY = 16 << 20,
};

/* A pass's picture of posternd's state; lives in the pass's arena. */
struct picture {
    struct arena arena;
    struct tunnel_view view;
};

static void *take(struct picture *p, size_t n, size_t size)
{
    void *memory = arena_array(&p->arena, n, size);
    if (!memory)
        abort(); /* the store has far fewer items than this allows */
    return memory;
}

static size_t count(const struct store *s, unsigned kind, int64_t now_ms)
{
    size_t n = 0;
    store_for_each(it, s, kind, now_ms) n++;
    return n;
}

static int by_site(const void *a, const void *b)
{
    const struct resource_state *x = *(const struct resource_state *const *)a,
                                *y = *(const struct resource_state *const *)b;
    int c = strcmp(x->site, y->site);
    return c ? c : strcmp(x->id, y->id);
}

/* Resources grouped by site: one wish each. */
static void picture_wishes(struct picture *p, const struct store *s, int64_t now_ms)
{
    size_t n = count(s, KIND_RESOURCE, now_ms), k = 0, wishes = 0;
    const struct resource_state **resources = take(p, n, sizeof(*resources));
    const char **ids = take(p, n, sizeof(*ids));
    struct tunnel_wish *out = take(p, n, sizeof(*out));
    store_for_each(it, s, KIND_RESOURCE, now_ms) resources[k++] = it->record;
    if (n > 1)
        qsort(resources, n, sizeof(*resources), by_site);
    for (size_t i = 0; i < n; i++) {
        ids[i] = resources[i]->id;
        if (wishes == 0 || !str_eq(out[wishes - 1].site, resources[i]->site))
            out[wishes++] = (struct tunnel_wish){.site = resources[i]->site, .resources = &ids[i]};
        out[wishes - 1].n_resources++;
    }
    p->view.wishes = out;
    p->view.n_wishes = wishes;
}

static void picture_init(struct picture *p, const struct store *s, int64_t now_ms)
{
    *p = (struct picture){.view.now_ms = now_ms};
    arena_init(&p->arena, PASS_MEMORY);
    picture_wishes(p, s, now_ms);
    const struct client_connection **connections =
        take(p, count(s, KIND_CLIENT_CONNECTION, now_ms), sizeof(*connections));
    store_for_each(it, s, KIND_CLIENT_CONNECTION, now_ms) connections[p->view.n_connections++] = it->record;
    p->view.connections = connections;
}

const struct store_item *client_session(const struct client *c)
{
    return c->link && *c->keep.session ? store_find(link_store(c->link), KIND_SESSION, c->keep.session, clock_boot_ms())
                                       : NULL;
}

/* --- asking --- */

static void on_asked(struct client *c, const char *site, bool next, const struct http_answer *answer)
{
    struct arena arena;
    struct connection_answer a = {0};
    struct rec_errors errors = {0};
    char why[257] = "The server's answer is not understood.";
    arena_init(&arena, 1 << 20);
    if (answer->error || answer->status / 100 != 2)
        problem_text(answer, why, sizeof(why));
    else if (rec_decode(&connection_answer_rec, REC_AGENT, answer->body, answer->len, &arena, &a, &errors))
        a.id = NULL;
    else if (!a.id && a.n_refused > 0)
        str_copy(why, sizeof(why), a.refused[0].reason);
    tunnel_asked(&c->tunnel, site, next, a.id, why, clock_boot_ms());
    arena_done(&arena);
    client_apply(c);
}

static void on_asked_now(struct client *c, struct guest *g, const char *site, const struct http_answer *answer)
{
    on_asked(c, site, false, answer);
}

static void on_asked_next(struct client *c, struct guest *g, const char *site, const struct http_answer *answer)
{
    on_asked(c, site, true, answer);
}

static void ask(struct client *c, const struct tunnel_todo *todo)
{
    struct pair_offer *o = &todo->attempt->offer;
    pair_offer(&c->identity, c->keep.session, todo->key, o);
    const char **resources = xalloc(todo->wish->n_resources * sizeof(*resources));
    for (size_t i = 0; i < todo->wish->n_resources; i++)
        resources[i] = todo->wish->resources[i];
    struct connection_request request = {.site = todo->wish->site,
                                         .resources = resources,
                                         .n_resources = MIN(todo->wish->n_resources, (size_t)256),
                                         .hello = {o->hello, o->n_hello},
                                         .signature = {o->signature, o->n_signature},
                                         .replaces = todo->replaces};
    call_start(c, NULL, todo->site->id, "POST", "/connections", &connection_request_rec, &request,
               todo->attempt == &todo->site->next ? on_asked_next : on_asked_now);
    free(resources);
}

static void finish(struct client *c, const struct tunnel_todo *todo)
{
    const char *wrong =
        pair_finish(&c->identity, &todo->attempt->offer, todo->connection, clock_wall_us(), &todo->attempt->pair);
    if (wrong)
        log_warn("connection %s: %s", todo->connection->id, wrong);
    tunnel_finished(&c->tunnel, todo, wrong, clock_boot_ms());
}

static void work(struct client *c, const struct tunnel_view *view)
{
    for (;;) {
        struct tunnel_todo todo = tunnel_look(&c->tunnel, view);
        struct wg_key key;
        uint8_t public_key[WG_KEY_LEN];
        switch (todo.step) {
        case TUNNEL_IDLE:
            return;
        case TUNNEL_KEY:
            x25519_make(key.b, public_key);
            tunnel_new_key(&c->tunnel, &key, view->now_ms);
            secret_wipe(&key, sizeof(key));
            break;
        case TUNNEL_ASK:
            ask(c, &todo);
            break;
        case TUNNEL_FINISH:
            finish(c, &todo);
            break;
        }
    }
}

/* --- passes --- */

static void save(struct client *c)
{
    keep_tunnel(&c->keep, &c->tunnel);
    if (memcmp(&c->keep, &c->saved, sizeof(c->keep)) == 0)
        return;
    int r = keep_save(&c->seal, &c->keep);
    if (r)
        log_error("the session cannot be kept for the next daemon: %s", strerror(-r));
    else
        c->saved = c->keep;
}

static void take_down(struct client *c)
{
    tunnel_done(&c->tunnel);
    realise_nothing(c);
}

void client_forget(struct client *c)
{
    if (c->tunnel.n_sites > 0 || c->engine)
        take_down(c);
    secret_wipe(&c->keep, sizeof(c->keep));
    save(c);
}

/* The latest deadline of what is open: without news nothing outlives it. */
static int64_t open_until(const struct tunnel_view *v, const struct store *s)
{
    int64_t until_ms = v->now_ms;
    store_for_each(it, s, KIND_CLIENT_CONNECTION, v->now_ms) until_ms = MAX(until_ms, it->until_ms);
    return until_ms;
}

static int64_t apply_up(struct client *c, int64_t now_ms)
{
    struct picture p;
    const struct store *store = link_store(c->link);
    picture_init(&p, store, now_ms);
    work(c, &p.view);
    realise(c, &p.view);
    c->keep.until_ms = open_until(&p.view, store);
    arena_done(&p.arena);
    int64_t next = MIN(tunnel_next_ms(&c->tunnel, now_ms), store_next_end(store, now_ms));
    if (*c->problem)
        next = MIN(next, now_ms + PROBLEM_MS);
    else if (!realise_proved(c))
        next = MIN(next, now_ms + HANDSHAKE_MS);
    return next;
}

/* Before the stream has told the whole state: what an earlier daemon has left stays until its deadline. */
static int64_t apply_unsynced(struct client *c, int64_t now_ms)
{
    if (!c->keep.up || c->tunnel.n_sites == 0)
        return INT64_MAX;
    if (now_ms < c->keep.until_ms)
        return c->keep.until_ms;
    log_warn("no news from the server for too long: the tunnels are taken down");
    take_down(c);
    return INT64_MAX;
}

static int64_t pass(struct client *c, int64_t now_ms)
{
    if (!c->link || !*c->keep.session)
        return INT64_MAX;
    if (!link_synced(c->link))
        return apply_unsynced(c, now_ms);
    if (!client_session(c)) {
        if (now_ms < c->session_due_ms)
            return c->session_due_ms;
        log_info("the session of %s has ended", c->keep.email);
        client_forget(c);
        return INT64_MAX;
    }
    c->session_due_ms = 0;
    if (c->keep.up)
        return apply_up(c, now_ms);
    if (c->engine || c->tunnel.n_sites > 0)
        take_down(c);
    return store_next_end(link_store(c->link), now_ms);
}

void client_apply(struct client *c)
{
    int64_t now_ms = clock_boot_ms(), next = pass(c, now_ms);
    save(c);
    verbs_progress(c);
    next = MIN(next, verbs_next_ms(c));
    if (c->watchdog_ms && now_ms >= c->watchdog_due_ms) {
        notify_send("WATCHDOG=1");
        c->watchdog_due_ms = now_ms + c->watchdog_ms;
    }
    if (c->watchdog_ms)
        next = MIN(next, c->watchdog_due_ms);
    if (next == INT64_MAX)
        loop_timer_stop(&c->tick);
    else
        loop_timer_start(c->loop, &c->tick, MAX(next - now_ms, (int64_t)10));
}

static void on_tick(struct loop_timer *timer)
{
    client_apply(container_of(timer, struct client, tick));
}

/* --- the link --- */

static void on_state(void *arg)
{
    client_apply(arg);
}

static void ignore(struct client *c, struct guest *g, const char *about, const struct http_answer *answer)
{
}

static void on_connected(void *arg)
{
    struct client *c = arg;
    char boot[BOOT_ID_LEN];
    struct status_report report = {
        .version = POSTERN_VERSION, .boot = boot, .applied_revision = link_revision(c->link)};
    boot_id(boot);
    c->refused[0] = '\0';
    log_info("connected to %s", c->identity.agents_url);
    call_start(c, NULL, "", "PUT", "/status", &status_report_rec, &report, ignore);
    client_apply(c);
}

static void on_lost(void *arg, const char *why)
{
    client_apply(arg);
}

/* posternd has blocked or deleted this device: its session is over. */
static void on_refused(void *arg, const char *why)
{
    struct client *c = arg;
    str_copy(c->refused, sizeof(c->refused), why);
    if (*c->keep.session) {
        log_warn("the server refuses this device: %s", why);
        client_forget(c);
        client_apply(c);
    }
}

static void on_deleted(void *arg, unsigned kind, const char *id, const char *reason)
{
    if (reason && *reason)
        log_info("%s %s ended: %s", client_role.kinds[kind].name, id, reason);
}

void client_link(struct client *c)
{
    static const struct link_ops ops = {.on_state = on_state,
                                        .on_connected = on_connected,
                                        .on_lost = on_lost,
                                        .on_refused = on_refused,
                                        .on_deleted = on_deleted};
    struct link_options options = {.loop = c->loop,
                                   .identity = &c->identity,
                                   .role = &client_role,
                                   .stall_s = haste_s(STALL_S),
                                   .ops = &ops,
                                   .arg = c};
    c->link = link_new(&options);
    link_start(c->link);
}

void client_unlink(struct client *c)
{
    link_free(c->link);
    c->link = NULL;
    calls_end(c);
    identity_close(&c->identity);
    c->enrolled = false;
    c->refused[0] = '\0';
}

/* --- running --- */

static void on_signal(int signo, void *arg)
{
    struct client *c = arg;
    loop_stop(c->loop, signo);
}

static int open_state(struct client *c)
{
    int r = dir_make(c->settings.run_dir, 0755);
    if (r == 0)
        r = seal_open(&c->seal, c->settings.run_dir);
    if (r == 0)
        r = keep_load(&c->seal, &c->keep);
    c->saved = c->keep;
    if (r) {
        log_error("%s: %s", c->settings.run_dir, strerror(-r));
        return r;
    }
    r = identity_open(&c->identity, c->settings.state_dir);
    c->enrolled = r == 0;
    if (r && r != -ENOENT)
        log_error("%s: %s", c->settings.state_dir, strerror(-r));
    return r == -ENOENT ? 0 : r;
}

static int open_socket(struct client *c)
{
    c->control.on_request = verbs_request;
    c->control.on_gone = verbs_gone;
    c->control.arg = c;
    int r = control_open(&c->control, c->loop, c->settings.run_dir);
    if (r)
        log_error("%s/control.sock: %s", c->settings.run_dir, r == -EADDRINUSE ? "another daemon runs" : strerror(-r));
    return r;
}

static int catch_signals(struct client *c)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return loop_signals(c->loop, &set, on_signal, c);
}

/* What an earlier daemon has left: taken over when its session goes on, else cleared away. */
static void take_over(struct client *c)
{
    if (*c->keep.session && c->keep.up && c->enrolled)
        keep_restore(&c->keep, &c->tunnel, clock_boot_ms());
    else
        realise_nothing(c);
    if (c->enrolled)
        client_link(c);
}

static void leave(struct client *c, bool tunnels_stay)
{
    notify_send("STOPPING=1");
    control_close(&c->control);
    if (tunnels_stay)
        realise_close(c);
    else
        realise_nothing(c);
    loop_timer_stop(&c->tick);
    link_free(c->link);
    if (c->enrolled)
        identity_close(&c->identity);
    tunnel_done(&c->tunnel);
    buf_done(&c->clashes);
    seal_close(&c->seal);
    secret_wipe(&c->keep, sizeof(c->keep));
    secret_wipe(&c->saved, sizeof(c->saved));
}

static int give_up_privileges(void)
{
    int r = privileges_drop();
    if (r)
        log_error("capabilities: %s (the daemon needs CAP_NET_ADMIN: start it as root or by its unit)", strerror(-r));
    return r;
}

int client_run(const struct settings *settings)
{
    struct client *c = xalloc(sizeof(*c));
    c->settings = *settings;
    c->tick.on_due = on_tick;
    c->watchdog_ms = notify_watchdog_ms();
    list_init(&c->calls);
    c->loop = loop_new();
    int r = catch_signals(c);
    if (r == 0)
        r = give_up_privileges();
    if (r == 0)
        r = open_state(c);
    if (r == 0)
        r = open_socket(c);
    if (r == 0) {
        take_over(c);
        client_apply(c);
        notify_send("READY=1");
        int signo = loop_run(c->loop);
        leave(c, signo == SIGHUP);
    }
    loop_free(c->loop);
    free(c);
    return r ? CLI_FAILURE : CLI_OK;
}
