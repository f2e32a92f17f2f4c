/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/broker/live.h"
#include "base/str.h"

enum { CONNECTION_MEMORY = 64 << 10 };

static struct live_gateway *gateway_need(struct live *l, const char *id)
{
    struct live_gateway *g = map_get(&l->gateways, id);
    if (g)
        return g;
    g = xalloc(sizeof(*g));
    str_copy(g->id, sizeof(g->id), id);
    list_init(&g->connections);
    (void)map_set(&l->gateways, id, g);
    return g;
}

struct live_session *live_put_session(struct live *l, const struct session_row *row)
{
    struct live_session *s = map_get(&l->sessions, row->id);
    if (!s) {
        s = xalloc(sizeof(*s));
        list_init(&s->connections);
        str_copy(s->id, sizeof(s->id), row->id);
        str_copy(s->device, sizeof(s->device), row->device_id);
        str_copy(s->person, sizeof(s->person), row->person_id);
        str_copy(s->v4, sizeof(s->v4), row->inner_v4);
        str_copy(s->v6, sizeof(s->v6), row->inner_v6);
        s->email = str_dup(row->email);
        (void)map_set(&l->sessions, s->id, s);
        (void)map_set(&l->inner, s->v4, s);
        (void)map_set(&l->inner, s->v6, s);
    }
    s->expires_us = row->expires_at - s->set_back_us;
    (void)map_set(&l->devices, s->device, s);
    return s;
}

void live_set_back(struct live *l, int64_t us)
{
    map_for_each (it, &l->sessions) {
        struct live_session *s = it->value;
        s->set_back_us += us;
        s->expires_us -= us;
    }
}

static struct rec_bytes copy_bytes(struct arena *a, struct rec_bytes from)
{
    const uint8_t *p = from.p ? arena_memdup(a, from.p, from.len) : NULL;
    return (struct rec_bytes){p, p ? from.len : 0};
}

static const char *copy_text(struct arena *a, const char *s)
{
    return s ? arena_strdup(a, s) : NULL;
}

static void connection_fill(struct live_connection *c, const struct connection_row *row)
{
    struct arena *a = &c->memory;
    arena_done(a);
    arena_init(a, CONNECTION_MEMORY);
    c->state = (enum link_state)row->state;
    c->failed_us = c->state == LINK_FAILED ? row->ended_at : 0;
    c->reason = copy_text(a, row->reason);
    c->client_certificate = copy_text(a, row->client_certificate);
    c->gateway_certificate = copy_text(a, row->gateway_certificate);
    c->client_hello = copy_bytes(a, row->client_hello);
    c->client_signature = copy_bytes(a, row->client_signature);
    c->gateway_hello = copy_bytes(a, row->gateway_hello);
    c->gateway_signature = copy_bytes(a, row->gateway_signature);
}

struct live_connection *live_put_connection(struct live *l, const struct connection_row *row)
{
    struct live_connection *c = map_get(&l->connections, row->id);
    struct live_session *s = map_get(&l->sessions, row->session_id);
    if (!s)
        return NULL;
    bool counted = c && link_live(c->state);
    if (!c) {
        c = xalloc(sizeof(*c));
        str_copy(c->id, sizeof(c->id), row->id);
        str_copy(c->site, sizeof(c->site), row->site_id);
        str_copy(c->replaces, sizeof(c->replaces), row->replaces ? row->replaces : "");
        c->session = s;
        c->gateway = gateway_need(l, row->gateway_id);
        list_init(&c->leases);
        list_append(&s->connections, &c->of_session);
        list_append(&c->gateway->connections, &c->of_gateway);
        (void)map_set(&l->connections, c->id, c);
    }
    connection_fill(c, row);
    c->gateway->n_connections += (size_t)link_live(c->state) - (size_t)counted;
    return c;
}

struct live_lease *live_put_lease(struct live *l, const struct lease_row *row)
{
    struct live_connection *c = map_get(&l->connections, row->connection_id);
    struct live_lease *lease = map_get(&l->leases, row->id);
    if (!c)
        return NULL;
    if (!lease) {
        lease = xalloc(sizeof(*lease));
        str_copy(lease->id, sizeof(lease->id), row->id);
        str_copy(lease->resource, sizeof(lease->resource), row->resource_id);
        lease->connection = c;
        lease->held = true;
        list_append(&c->leases, &lease->of_connection);
        (void)map_set(&l->leases, lease->id, lease);
    }
    str_copy(lease->decision, sizeof(lease->decision), row->decision_id);
    lease->state = (enum lease_state)row->state;
    lease->valid_until_us = row->valid_until;
    return lease;
}

void live_drop_lease(struct live *l, const char *id)
{
    struct live_lease *lease = map_remove(&l->leases, id);
    if (!lease)
        return;
    list_remove(&lease->of_connection);
    free(lease);
}

void live_drop_connection(struct live *l, const char *id)
{
    struct live_connection *c = map_remove(&l->connections, id);
    if (!c)
        return;
    list_for_each_safe (it, &c->leases)
        live_drop_lease(l, container_of(it, struct live_lease, of_connection)->id);
    c->gateway->n_connections -= link_live(c->state);
    list_remove(&c->of_session);
    list_remove(&c->of_gateway);
    if (list_empty(&c->gateway->connections)) {
        (void)map_remove(&l->gateways, c->gateway->id);
        free(c->gateway);
    }
    arena_done(&c->memory);
    free(c);
}

void live_drop_session(struct live *l, const char *id)
{
    struct live_session *s = map_remove(&l->sessions, id);
    if (!s)
        return;
    list_for_each_safe (it, &s->connections)
        live_drop_connection(l, container_of(it, struct live_connection, of_session)->id);
    if (map_get(&l->devices, s->device) == s)
        (void)map_remove(&l->devices, s->device);
    if (map_get(&l->inner, s->v4) == s)
        (void)map_remove(&l->inner, s->v4);
    if (map_get(&l->inner, s->v6) == s)
        (void)map_remove(&l->inner, s->v6);
    free(s->email);
    free(s);
}

static const char *any_key(const struct map *m)
{
    map_for_each (it, m)
        return it->key;
    return NULL;
}

void live_done(struct live *l)
{
    for (const char *id; (id = any_key(&l->sessions));) {
        char copy[ID_LEN_MAX];
        str_copy(copy, sizeof(copy), id);
        live_drop_session(l, copy);
    }
    map_done(&l->sessions);
    map_done(&l->connections);
    map_done(&l->leases);
    map_done(&l->gateways);
    map_done(&l->devices);
    map_done(&l->inner);
}

struct live_session *live_session(const struct live *l, const char *id)
{
    return map_get(&l->sessions, id);
}

struct live_connection *live_connection(const struct live *l, const char *id)
{
    return map_get(&l->connections, id);
}

struct live_lease *live_lease(const struct live *l, const char *id)
{
    return map_get(&l->leases, id);
}

struct live_gateway *live_gateway(const struct live *l, const char *id)
{
    return map_get(&l->gateways, id);
}
