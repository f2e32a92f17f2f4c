/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/broker/judge.h"
#include "server/broker/render.h"
#include <stdio.h>

static void *take(struct rendering *r, size_t n, size_t size)
{
    void *p = arena_array(r->arena, n, size);
    if (!p)
        abort();
    return p;
}

static void offer_site(struct rendering *r, const struct world_site *site, const char *gateway)
{
    char v4[NET_PREFIX_TEXT], v6[NET_PREFIX_TEXT];
    net_prefix_format_full(r->b->pools.v4, v4);
    net_prefix_format_full(r->b->pools.v6, v6);
    struct site_state item = {.id = site->id, .name = site->name, .gateway = gateway, .pool_v4 = v4, .pool_v6 = v6};
    render_offer(r, RANK_SITE, "site", site->id, &site_state_rec, &item, NULL, 0);
}

static void send_class(struct rendering *r, const struct policy_class *class)
{
    struct box_state *boxes = take(r, class->n_boxes, sizeof(*boxes));
    for (size_t i = 0; i < class->n_boxes; i++) {
        const struct policy_box *box = &class->boxes[i];
        char *prefix = take(r, NET_PREFIX_TEXT, 1);
        net_prefix_format_full(box->prefix, prefix);
        boxes[i] = (struct box_state){prefix, box->protocol_first, box->protocol_last, box->port_first, box->port_last};
    }
    struct class_state item = {.id = class->id, .boxes = boxes, .n_boxes = class->n_boxes};
    render_send(r, "class", class->id, &class_state_rec, &item);
}

static void offer_classes(struct rendering *r, const struct policy_partition *site)
{
    for (size_t i = 0; i < site->n_classes; i++)
        if (render_offer_constant(r, RANK_CLASS, "class", site->classes[i].id))
            send_class(r, &site->classes[i]);
}

static const char *label_of(struct rendering *r, const struct live_session *s)
{
    uint32_t device = policy_device(r->b->world->policy, s->device);
    const char *name = device == POLICY_NONE ? s->device : r->b->world->devices[device].name;
    char *label = take(r, 255, 1);
    snprintf(label, 255, "%s / %s", s->email, name);
    return label;
}

/* `r` is shown until the gateway has accepted, to nobody else and never again. */
static void offer_connection(struct rendering *r, const struct live_connection *c)
{
    uint8_t secret[32];
    struct gateway_connection item = {.id = c->id,
                                      .session = c->session->id,
                                      .device = c->session->device,
                                      .person = c->session->person,
                                      .label = label_of(r, c->session),
                                      .hello = c->client_hello,
                                      .signature = c->client_signature,
                                      .certificate = c->client_certificate,
                                      .inner_v4 = c->session->v4,
                                      .inner_v6 = c->session->v6,
                                      .replaces = *c->replaces ? c->replaces : NULL};
    if (c->state == LINK_PENDING && secret_of(r->b, c->id, secret))
        item.r = (struct rec_bytes){secret, sizeof(secret)};
    if (c->client_certificate)
        render_offer(r, RANK_CONNECTION, "connection", c->id, &gateway_connection_rec, &item, NULL, 0);
    secret_wipe(secret, sizeof(secret));
}

static void offer_grant(struct rendering *r, const struct live_lease *lease)
{
    const struct world *w = r->b->world;
    const struct live_session *s = lease->connection->session;
    size_t n = policy_resource_n_classes(w->policy, policy_resource(w->policy, lease->resource));
    const struct policy_class **classes = take(r, n, sizeof(struct policy_class *));
    struct policy_decision d;
    judge_lease(w, s->person, s->device, lease->resource, s->expires_us, r->now_us, &d, classes, &n);
    int64_t until_us = MIN(d.valid_until_us, lease->valid_until_us);
    if (d.effect != POLICY_PERMIT || until_us <= r->now_us)
        return;
    const char **ids = take(r, n, sizeof(*ids));
    for (size_t i = 0; i < n; i++)
        ids[i] = classes[i]->id;
    struct grant_state item = {.id = lease->id,
                               .connection = lease->connection->id,
                               .person = s->person,
                               .resource = lease->resource,
                               .inner_v4 = s->v4,
                               .inner_v6 = s->v6,
                               .classes = ids,
                               .n_classes = n,
                               .decision = lease->decision};
    render_offer(r, RANK_GRANT, "grant", lease->id, &grant_state_rec, &item, &item.valid_for_ms, until_us);
}

static void offer_connections(struct rendering *r, const struct live_gateway *g)
{
    list_for_each (it, &g->connections) {
        const struct live_connection *c = container_of(it, struct live_connection, of_gateway);
        if (link_live(c->state))
            offer_connection(r, c);
    }
    list_for_each (it, &g->connections) {
        const struct live_connection *c = container_of(it, struct live_connection, of_gateway);
        list_for_each (link, &c->leases) {
            const struct live_lease *lease = container_of(link, struct live_lease, of_connection);
            if (link_live(c->state) && !lease->held)
                offer_grant(r, lease);
        }
    }
}

int render_gateway(struct rendering *r, const char *gateway)
{
    const struct world *w = r->b->world;
    uint32_t number = world_gateway_of(w, gateway);
    if (number == POLICY_NONE)
        return -ENOENT;
    uint32_t site = world_site_of(w, w->gateways[number].site_id);
    const struct live_gateway *g = live_gateway(&r->b->live, gateway);
    offer_site(r, &w->sites[site], gateway);
    offer_classes(r, policy_site_classes(w->policy, site));
    if (g)
        offer_connections(r, g);
    return 0;
}
