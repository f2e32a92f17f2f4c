/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/problem.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "gateway/daemon.h"
#include <stdio.h>

enum answer_state { ANSWER_WAITING, ANSWER_SENT, ANSWER_DONE };

struct answer {
    struct gateway *gateway;
    char id[ID_LEN_MAX];
    char *reason; /* NULL: accept */
    enum answer_state state;
    struct http_call *call;
};

static void answer_free(struct answer *a)
{
    if (!a)
        return;
    http_cancel(a->call);
    free(a->reason);
    free(a);
}

static void answer_new(struct gateway *g, const char *id, const char *reason)
{
    struct answer *a = xalloc(sizeof(*a));
    a->gateway = g;
    str_copy(a->id, sizeof(a->id), id);
    a->reason = str_dup(reason);
    answer_free(map_set(&g->answers, id, a));
}

void answers_accept(struct gateway *g, const struct vault_peer *p)
{
    if (!p->accepted && !map_get(&g->answers, p->id))
        answer_new(g, p->id, NULL);
}

void answers_fail(struct gateway *g, const char *id, const char *reason)
{
    log_warn("connection %s refused: %s", id, reason);
    answer_new(g, id, reason);
}

bool answers_failed(const struct gateway *g, const char *id)
{
    const struct answer *a = map_get(&g->answers, id);
    return a && a->reason;
}

/* posternd has it, or does not want it any more; only silence is tried again. */
static void on_done(void *arg, const struct http_answer *got)
{
    struct answer *a = arg;
    char why[256];
    a->call = NULL;
    if (got->error || got->status >= 500 || got->status == 429) {
        a->state = ANSWER_WAITING; /* the next tick */
        return;
    }
    a->state = ANSWER_DONE;
    struct vault_peer *p = vault_find(&a->gateway->vault, a->id);
    if (p && !a->reason)
        p->accepted = true;
    if (got->status / 100 == 2)
        return;
    problem_text(got, why, sizeof(why));
    log_info("connection %s: posternd says %s", a->id, why);
}

static void send_answer(struct answer *a)
{
    char path[96];
    struct vault_peer *p = vault_find(&a->gateway->vault, a->id);
    snprintf(path, sizeof(path), "/connections/%s/%s", a->id, a->reason ? "fail" : "accept");
    a->state = ANSWER_SENT;
    if (a->reason) {
        struct fail_request fail = {.reason = a->reason};
        a->call = link_call(a->gateway->link, "POST", path, &fail_request_rec, &fail, on_done, a);
    } else if (p) {
        struct accept_request accept = {.hello = {p->hello, p->n_hello}, .signature = {p->signature, p->n_signature}};
        a->call = link_call(a->gateway->link, "POST", path, &accept_request_rec, &accept, on_done, a);
    } else {
        a->state = ANSWER_DONE;
    }
}

void answers_send(struct gateway *g)
{
    if (!link_connected(g->link))
        return;
    map_for_each (slot, &g->answers) {
        struct answer *a = slot->value;
        if (a->state == ANSWER_WAITING && (a->reason || g->applied))
            send_answer(a);
    }
}

void answers_prune(struct gateway *g, int64_t now_ms)
{
    struct map kept = {0};
    map_for_each (slot, &g->answers) {
        struct answer *a = slot->value;
        if (store_find(link_store(g->link), KIND_GATEWAY_CONNECTION, a->id, now_ms))
            map_set(&kept, a->id, a);
        else
            answer_free(a);
    }
    map_done(&g->answers);
    g->answers = kept;
}

void answers_done(struct gateway *g)
{
    map_for_each (slot, &g->answers)
        answer_free(slot->value);
    map_done(&g->answers);
}
