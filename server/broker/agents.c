/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "base/str.h"
#include "server/broker/state.h"

enum {
    ONLINE_GRACE_MS = 3000,     /* a stream that is being renewed is not an absence */
    REMEMBERED_MS = 15 * 60000, /* how long an agent may be away and still resume */
};

struct agent *agent_need(struct broker *b, const char *id, enum agent_kind kind)
{
    pthread_mutex_lock(&b->agents_lock);
    struct agent *a = map_get(&b->agents, id);
    if (!a) {
        a = xalloc(sizeof(*a));
        str_copy(a->id, sizeof(a->id), id);
        a->kind = kind;
        pthread_mutex_init(&a->lock, NULL);
        (void)map_set(&b->agents, id, a);
    }
    a->closed_ms = clock_boot_ms();
    a->n_watches++;
    pthread_mutex_unlock(&b->agents_lock);
    return a;
}

void agent_release(struct broker *b, struct agent *agent)
{
    pthread_mutex_lock(&b->agents_lock);
    agent->n_watches--;
    pthread_mutex_unlock(&b->agents_lock);
}

void agent_evict(struct broker *b, const char *id)
{
    struct stream *stream = NULL;
    pthread_mutex_lock(&b->agents_lock);
    struct agent *a = map_get(&b->agents, id);
    if (a) {
        stream = a->stream;
        a->watch = NULL;
        a->stream = NULL;
        a->leaving = true;
    }
    pthread_mutex_unlock(&b->agents_lock);
    if (stream)
        stream_mark(stream);
    stream_unref(stream);
}

bool agent_online(struct broker *b, const char *id)
{
    pthread_mutex_lock(&b->agents_lock);
    const struct agent *a = map_get(&b->agents, id);
    bool online = a && !a->leaving && (a->watch || clock_boot_ms() - a->closed_ms < ONLINE_GRACE_MS);
    pthread_mutex_unlock(&b->agents_lock);
    return online;
}

void agent_mark(struct broker *b, const char *id)
{
    pthread_mutex_lock(&b->agents_lock);
    const struct agent *a = map_get(&b->agents, id);
    if (a && a->stream)
        stream_mark(a->stream);
    pthread_mutex_unlock(&b->agents_lock);
}

/* Gateways first: they close doors, clients only learn of it. */
void agents_mark_all(struct broker *b)
{
    pthread_mutex_lock(&b->agents_lock);
    for (int kind = AGENT_GATEWAY; kind <= AGENT_DEVICE; kind++)
        map_for_each (it, &b->agents) {
            const struct agent *a = it->value;
            if ((int)a->kind == kind && a->stream)
                stream_mark(a->stream);
        }
    pthread_mutex_unlock(&b->agents_lock);
}

static const char *find_forgotten(struct broker *b, int64_t now_ms)
{
    map_for_each (it, &b->agents) {
        const struct agent *a = it->value;
        if (!a->n_watches && now_ms - a->closed_ms > REMEMBERED_MS)
            return a->id;
    }
    return NULL;
}

void agents_prune(struct broker *b)
{
    pthread_mutex_lock(&b->agents_lock);
    for (const char *id; (id = find_forgotten(b, clock_boot_ms()));) {
        struct agent *a = map_remove(&b->agents, id);
        view_done(&a->view);
        pthread_mutex_destroy(&a->lock);
        free(a);
    }
    pthread_mutex_unlock(&b->agents_lock);
}
