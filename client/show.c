/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/str.h"
#include "cli/cli.h"
#include "client/daemon.h"

enum { ANSWER_MEMORY = 16 << 20 };

static void *take(struct arena *a, size_t n, size_t size)
{
    void *p = arena_array(a, n, size);
    if (!p)
        abort(); /* what posternd may send us is bounded far below this */
    return p;
}

static const char *text(struct arena *a, const char *s)
{
    char *copy = arena_strdup(a, s ? s : "");
    return copy ? copy : "";
}

static const char *state_of(const struct tunnel_site *s, const struct wg_peer *peer)
{
    switch (s->now.state) {
    case ATTEMPT_NONE:
    case ATTEMPT_ASKING:
        return "asking";
    case ATTEMPT_WAITING:
        return "waiting";
    case ATTEMPT_READY:
        return peer && peer->last_handshake_us ? "up" : "handshake";
    }
    return "";
}

static void fill_site(struct client *c, struct arena *a, const struct tunnel_site *s, struct local_site *out)
{
    const struct wg_peer *peer = realise_peer(c, s);
    const struct store_item *item =
        c->link ? store_find(link_store(c->link), KIND_CLIENT_CONNECTION, s->now.connection, clock_boot_ms()) : NULL;
    char endpoint[NET_ENDPOINT_TEXT] = "";
    if (peer && peer->endpoint.port)
        net_endpoint_format(peer->endpoint, endpoint);
    *out = (struct local_site){
        .site = text(a, s->id),
        .gateway = text(a, item ? ((const struct client_connection *)item->record)->gateway : NULL),
        .endpoint = text(a, endpoint),
        .state = state_of(s, peer),
        .last_handshake = peer ? peer->last_handshake_us : 0,
        .received_bytes = peer ? (int64_t)peer->rx_bytes : 0,
        .sent_bytes = peer ? (int64_t)peer->tx_bytes : 0,
        .reason = *s->reason ? text(a, s->reason) : NULL,
    };
}

static void fill_clashes(const struct client *c, struct arena *a, struct local_status *out)
{
    size_t n = 0;
    for (size_t i = 0; i < c->clashes.len; i++)
        n += c->clashes.data[i] == '\0';
    out->clashes = take(a, n, sizeof(*out->clashes));
    for (const char *p = c->clashes.data; out->n_clashes < n; p += strlen(p) + 1)
        out->clashes[out->n_clashes++] = text(a, p);
}

static size_t count_resources(const struct client *c, int64_t now_ms)
{
    size_t n = 0;
    if (c->link)
        store_for_each(it, link_store(c->link), KIND_RESOURCE, now_ms) n++;
    return n;
}

static void fill_session(const struct client *c, int64_t now_ms, struct local_status *out)
{
    const struct store_item *item = client_session(c);
    if (!item)
        return;
    const struct session_state *s = item->record;
    out->inner_v4 = s->inner_v4;
    out->inner_v6 = s->inner_v6;
    if (item->until_ms != INT64_MAX)
        out->signed_in_until = clock_wall_us() + (item->until_ms - now_ms) * 1000;
}

void show_status(struct client *c, struct guest *g)
{
    struct arena arena;
    int64_t now_ms = clock_boot_ms();
    struct local_status s = {.signed_in = *c->keep.session != '\0',
                             .up = c->keep.up,
                             .connected = c->link && link_connected(c->link),
                             .email = c->keep.email,
                             .server = c->enrolled ? c->identity.url : "",
                             .device = c->enrolled ? c->identity.id : "",
                             .interface = c->settings.interface,
                             .inner_v4 = "",
                             .inner_v6 = "",
                             .resources = (int64_t)count_resources(c, now_ms),
                             .problem = *c->refused   ? c->refused
                                        : *c->problem ? c->problem
                                                      : NULL};
    arena_init(&arena, ANSWER_MEMORY);
    (void)realise_proved(c);
    fill_session(c, now_ms, &s);
    fill_clashes(c, &arena, &s);
    s.sites = take(&arena, c->tunnel.n_sites, sizeof(*s.sites));
    for (; s.n_sites < c->tunnel.n_sites; s.n_sites++)
        fill_site(c, &arena, c->tunnel.sites[s.n_sites], &s.sites[s.n_sites]);
    struct local_reply reply = {.exit = s.signed_in ? CLI_OK : CLI_NOT_SIGNED_IN, .status = &s};
    guest_finish(g, &reply);
    arena_done(&arena);
}

static const char *port_text(struct arena *a, const struct port_range_state *p)
{
    const char *s = p->first == 0 && p->last == 65535 ? arena_strdup(a, p->protocol)
                    : p->first == p->last
                        ? arena_printf(a, "%s/%lld", p->protocol, (long long)p->first)
                        : arena_printf(a, "%s/%lld-%lld", p->protocol, (long long)p->first, (long long)p->last);
    return s ? s : "";
}

static bool opened(const struct client *c, const struct resource_state *r, int64_t now_ms)
{
    for (size_t i = 0; i < c->tunnel.n_sites; i++) {
        const struct tunnel_site *s = c->tunnel.sites[i];
        const struct wg_peer *peer = realise_peer(c, s);
        const struct store_item *item =
            store_find(link_store(c->link), KIND_CLIENT_CONNECTION, s->now.connection, now_ms);
        const struct client_connection *connection = item ? item->record : NULL;
        if (!peer || !peer->last_handshake_us || !connection || !str_eq(s->id, r->site))
            continue;
        for (size_t k = 0; k < connection->n_resources; k++)
            if (str_eq(connection->resources[k], r->id))
                return true;
    }
    return false;
}

static void fill_resource(const struct client *c, struct arena *a, const struct resource_state *r, int64_t now_ms,
                          struct local_resource *out)
{
    *out = (struct local_resource){.id = r->id,
                                   .name = r->name,
                                   .site = r->site,
                                   .addresses = r->prefixes,
                                   .n_addresses = r->n_prefixes,
                                   .reachable = opened(c, r, now_ms)};
    out->ports = take(a, r->n_ports, sizeof(*out->ports));
    for (size_t i = 0; i < r->n_ports; i++)
        out->ports[out->n_ports++] = port_text(a, &r->ports[i]);
}

void show_resources(struct client *c, struct guest *g)
{
    struct arena arena;
    int64_t now_ms = clock_boot_ms();
    struct local_reply reply = {.exit = CLI_OK};
    arena_init(&arena, ANSWER_MEMORY);
    (void)realise_proved(c);
    reply.resources = take(&arena, count_resources(c, now_ms), sizeof(*reply.resources));
    store_for_each(it, link_store(c->link), KIND_RESOURCE, now_ms)
        fill_resource(c, &arena, it->record, now_ms, &reply.resources[reply.n_resources++]);
    guest_finish(g, &reply);
    arena_done(&arena);
}
