/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/problem.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "gateway/daemon.h"

enum { STATUS_EVERY_MS = 30000, DENIED_EVERY_MS = 5000, DENIED_BATCH = 1024 };

uint64_t report_refused(struct gateway *g)
{
    struct nft_counters c;
    return g->kernel.nft && nft_read_counters(g->kernel.nft, &c) == 0 ? c.refused_packets : 0;
}

static size_t conditions(const struct gateway *g, struct condition out[static 3])
{
    const char *problem = *g->problem ? g->problem : NULL;
    out[0] = (struct condition){.type = "EngineReady", .status = g->kernel.engine != NULL};
    out[1] = (struct condition){.type = "RulesApplied", .status = g->applied, .message = problem};
    out[2] = (struct condition){.type = "ClockSteady", .status = !g->closed};
    return 3;
}

static struct http_call *put_status(struct gateway *g, bool leaving, http_done_fn *on_done)
{
    struct condition list[3];
    struct status_report s = {
        .version = POSTERN_VERSION,
        .boot = g->vault.boot,
        .applied_revision = g->applied ? link_revision(g->link) : NULL,
        .wireguard_key = {g->vault.public_key.b, WG_KEY_LEN},
        .listen_port = g->settings.listen_port,
        .denied_packets = (int64_t)report_refused(g),
        .conditions = list,
        .n_conditions = conditions(g, list),
        .leaving = leaving,
    };
    str_copy(g->status_revision, sizeof(g->status_revision), s.applied_revision ? s.applied_revision : "");
    return link_call(g->link, "PUT", "/status", &status_report_rec, &s, on_done, g);
}

static void on_status_done(void *arg, const struct http_answer *answer)
{
    struct gateway *g = arg;
    char why[256];
    g->status_call = NULL;
    if (!answer->error && answer->status / 100 == 2)
        return;
    problem_text(answer, why, sizeof(why));
    log_debug("status not delivered: %s", why);
}

static void on_status_timer(struct loop_timer *timer)
{
    struct gateway *g = container_of(timer, struct gateway, status_timer);
    loop_timer_start(g->loop, timer, STATUS_EVERY_MS);
    if (!g->status_call && link_connected(g->link))
        g->status_call = put_status(g, false, on_status_done);
}

void report_status_soon(struct gateway *g, int64_t delay_ms)
{
    if (!g->status_timer.loop || g->status_timer.due_ms > clock_boot_ms() + delay_ms)
        loop_timer_start(g->loop, &g->status_timer, delay_ms);
}

void report_goodbye(struct gateway *g, http_done_fn *on_done)
{
    put_status(g, true, on_done);
}

void report_init(struct gateway *g)
{
    g->status_timer.on_due = on_status_timer;
    loop_timer_start(g->loop, &g->status_timer, STATUS_EVERY_MS);
}

void report_done(struct gateway *g)
{
    loop_timer_stop(&g->status_timer);
    free(g->denied);
    g->denied = NULL;
}

static void on_denied_done(void *arg, const struct http_answer *answer)
{
    struct gateway *g = arg;
    g->denied_call = NULL;
    if (answer->error || answer->status >= 500 || answer->status == 429)
        return; /* the same batch with the same number again */
    size_t sent = MIN(g->n_denied, (size_t)DENIED_BATCH);
    g->n_denied -= sent;
    memmove(g->denied, g->denied + sent, g->n_denied * sizeof(*g->denied));
    g->denied_seq++;
}

static void send_denied(struct gateway *g)
{
    size_t n = MIN(g->n_denied, (size_t)DENIED_BATCH);
    char(*text)[2][NET_ADDR_TEXT] = xalloc(n * sizeof(*text));
    struct denied_flow *items = xalloc(n * sizeof(*items));
    for (size_t i = 0; i < n; i++) {
        const struct nft_denied *d = &g->denied[i];
        net_addr_format(d->inner, text[i][0]);
        net_addr_format(d->destination, text[i][1]);
        items[i] = (struct denied_flow){text[i][0], text[i][1], d->protocol, d->port, (int64_t)d->packets};
    }
    struct report_batch batch = {.boot = g->vault.boot, .seq = g->denied_seq, .items = items, .n_items = n};
    g->denied_call = link_call(g->link, "POST", "/reports", &report_batch_rec, &batch, on_denied_done, g);
    free(items);
    free(text);
}

/* The kernel goes on aggregating while a batch is under way. */
void report_denied(struct gateway *g, int64_t now_ms)
{
    if (g->denied_call || !link_connected(g->link) || now_ms - g->denied_read_ms < DENIED_EVERY_MS)
        return;
    g->denied_read_ms = now_ms;
    if (!g->n_denied) {
        free(g->denied);
        g->denied = NULL;
        if (!g->kernel.nft || nft_read_denied(g->kernel.nft, &g->denied, &g->n_denied))
            g->n_denied = 0;
        /* Grows within a boot, over restarts of the agent too. */
        g->denied_seq = MAX(g->denied_seq, now_ms);
    }
    if (g->n_denied)
        send_denied(g);
}
