/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/broker/judge.h"
#include "server/broker/render.h"

static void *take(struct rendering *r, size_t n, size_t size)
{
    void *p = arena_array(r->arena, n, size);
    if (!p)
        abort();
    return p;
}

static void offer_session(struct rendering *r, const struct live_session *s)
{
    struct session_state item = {
        .id = s->id, .person = s->person, .email = s->email, .inner_v4 = s->v4, .inner_v6 = s->v6};
    render_offer(r, RANK_SESSION, "session", s->id, &session_state_rec, &item, &item.valid_for_ms, s->expires_us);
}

static const char **prefixes_of(struct rendering *r, const struct world_resource *from)
{
    const char **prefixes = take(r, from->n_addresses, sizeof(*prefixes));
    for (size_t i = 0; i < from->n_addresses; i++) {
        struct net_prefix p;
        char *text = take(r, NET_PREFIX_TEXT, 1);
        if (!net_prefix_parse(from->addresses[i], &p))
            net_prefix_format_full(p, text);
        prefixes[i] = text;
    }
    return prefixes;
}

static struct port_range_state *ports_of(struct rendering *r, const struct world_resource *from)
{
    struct port_range_state *ports = take(r, from->n_ports, sizeof(*ports));
    for (size_t i = 0; i < from->n_ports; i++) {
        const struct port_range *p = &from->ports[i];
        bool every = p->first == 0 && p->last == 0;
        ports[i] = (struct port_range_state){protocol_names[p->protocol], p->first, every ? 65535 : p->last};
    }
    return ports;
}

static void offer_resources(struct rendering *r, const struct live_session *s)
{
    const struct world *w = r->b->world;
    for (size_t i = 0; i < w->n_resources; i++) {
        const struct world_resource *from = &w->resources[i];
        const struct policy_class *first;
        struct policy_decision d;
        size_t n = 1;
        judge_lease(w, s->person, s->device, from->id, s->expires_us, r->now_us, &d, &first, &n);
        if (d.effect != POLICY_PERMIT)
            continue;
        struct resource_state item = {.id = from->id,
                                      .name = from->name,
                                      .site = from->site_id,
                                      .prefixes = prefixes_of(r, from),
                                      .n_prefixes = from->n_addresses,
                                      .ports = ports_of(r, from),
                                      .n_ports = from->n_ports};
        render_offer(r, RANK_RESOURCE, "resource", from->id, &resource_state_rec, &item, NULL, 0);
    }
}

/* Resources of the connection's leases that hold now; returns when the last of them ends. */
static int64_t granted(struct rendering *r, const struct live_connection *c, struct client_connection *item)
{
    int64_t until_us = 0;
    size_t n = 0;
    list_for_each (it, &c->leases)
        n++;
    item->resources = take(r, n, sizeof(*item->resources));
    list_for_each (it, &c->leases) {
        const struct live_lease *lease = container_of(it, struct live_lease, of_connection);
        if (lease->held || !link_live(c->state))
            continue;
        item->resources[item->n_resources++] = lease->resource;
        until_us = MAX(until_us, lease->valid_until_us);
    }
    return until_us;
}

static void fill_ready(const struct live_connection *c, struct client_connection *item)
{
    item->hello = c->gateway_hello;
    item->signature = c->gateway_signature;
    item->certificate = c->gateway_certificate;
}

static void offer_connection(struct rendering *r, const struct live_connection *c)
{
    static const enum connection_phase phases[] = {
        [LINK_PENDING] = CONNECTION_PENDING, [LINK_READY] = CONNECTION_READY, [LINK_FAILED] = CONNECTION_FAILED};
    const struct world *w = r->b->world;
    uint32_t gateway = world_gateway_of(w, c->gateway->id);
    char endpoint[NET_ENDPOINT_TEXT];
    uint8_t secret[32];
    if (c->state == LINK_ENDED)
        return;
    struct client_connection item = {
        .id = c->id, .site = c->site, .gateway = c->gateway->id, .phase = (int)phases[c->state], .reason = NULL};
    if (c->state == LINK_FAILED)
        item.reason = c->reason ? ending_user_text(c->reason) : NULL;
    if (c->state == LINK_READY)
        fill_ready(c, &item);
    if (c->state == LINK_READY && secret_of(r->b, c->id, secret))
        item.r = (struct rec_bytes){secret, sizeof(secret)};
    if (gateway != POLICY_NONE && world_endpoint(&w->gateways[gateway], endpoint))
        item.endpoint = endpoint;
    int64_t until_us = granted(r, c, &item);
    render_offer(r, RANK_CONNECTION, "connection", c->id, &client_connection_rec, &item, &item.valid_for_ms, until_us);
    secret_wipe(secret, sizeof(secret));
}

const char *render_resource_reason(const struct rendering *r, const char *device, const char *resource)
{
    const struct world *w = r->b->world;
    const struct live_session *s = map_get(&r->b->live.devices, device);
    const struct policy_class *first;
    struct policy_decision d;
    size_t n = 1;
    judge_lease(w, s ? s->person : NULL, device, resource, s ? s->expires_us : 0, r->now_us, &d, &first, &n);
    return policy_reason_user(policy_reason_shown(&d));
}

int render_client(struct rendering *r, const char *device)
{
    const struct world *w = r->b->world;
    uint32_t number = policy_device(w->policy, device);
    const struct live_session *s = map_get(&r->b->live.devices, device);
    if (number == POLICY_NONE)
        return -ENOENT;
    if (w->devices[number].blocked)
        return -EACCES;
    if (!s)
        return 0;
    offer_session(r, s);
    offer_resources(r, s);
    list_for_each (it, &s->connections)
        offer_connection(r, container_of(it, struct live_connection, of_session));
    return 0;
}
