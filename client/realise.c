/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "client/daemon.h"
#include <net/if.h>
#include <stdio.h>
#include <sys/epoll.h>

enum { KEEPALIVE_S = 25 };

/* Prefixes and endpoints of one pass. */
struct plan {
    struct wg_device device;
    struct buf routes, endpoints; /* struct net_prefix, struct net_addr */
};

static void plan_done(struct plan *p)
{
    wg_device_done(&p->device);
    buf_done(&p->routes);
    buf_done(&p->endpoints);
}

static void note_problem(struct client *c, const char *what, int r)
{
    char text[256];
    snprintf(text, sizeof(text), "%s: %s", what, strerror(-r));
    if (!str_eq(text, c->problem))
        log_error("%s", text);
    str_copy(c->problem, sizeof(c->problem), text);
}

static void note_clash(struct client *c, struct net_prefix to, const char *with)
{
    char prefix[NET_PREFIX_TEXT];
    net_prefix_format_full(to, prefix);
    buf_printf(&c->clashes, "%s %s", prefix, with);
    buf_putc(&c->clashes, '\0');
}

static void on_clash(void *arg, const struct route *route)
{
    char name[IF_NAMESIZE], text[64];
    if (route->interface && if_indextoname(route->interface, name)) {
        snprintf(text, sizeof(text), "leads to %s already", name);
        note_clash(arg, route->to, text);
    } else {
        note_clash(arg, route->to, "contains a gateway's own address");
    }
}

static bool taken(const struct plan *p, struct net_prefix prefix)
{
    const struct net_prefix *routes = (const void *)p->routes.data;
    for (size_t i = 0; i < p->routes.len / sizeof(*routes); i++)
        if (net_prefix_eq(routes[i], prefix))
            return true;
    return false;
}

static void plan_resource(struct client *c, struct plan *p, struct wg_peer *peer, const struct resource_state *r)
{
    for (size_t i = 0; i < r->n_prefixes; i++) {
        struct net_prefix prefix;
        if (net_prefix_parse(r->prefixes[i], &prefix))
            continue;
        bool mine = false;
        for (size_t k = 0; k < peer->n_allowed; k++)
            mine |= net_prefix_eq(peer->allowed[k], prefix);
        if (mine)
            continue;
        if (taken(p, prefix)) {
            note_clash(c, prefix, "is reached through another site already");
            continue;
        }
        wg_peer_allow(peer, prefix);
        buf_append(&p->routes, &prefix, sizeof(prefix));
    }
}

/* Only what posternd says is open now gets a way into the tunnel. */
static void plan_site(struct client *c, struct plan *p, const struct tunnel_site *s, const struct tunnel_view *v)
{
    const struct client_connection *connection =
        s->now.state == ATTEMPT_READY ? tunnel_connection(v, s->now.connection) : NULL;
    if (!connection)
        return;
    struct wg_peer *peer = wg_device_peer(&p->device, &s->now.pair.gateway);
    peer->preshared_key = s->now.pair.psk;
    peer->endpoint = s->now.pair.endpoint;
    peer->keepalive_s = KEEPALIVE_S;
    buf_append(&p->endpoints, &peer->endpoint.addr, sizeof(peer->endpoint.addr));
    for (size_t i = 0; i < connection->n_resources; i++) {
        const struct store_item *item =
            store_find(link_store(c->link), KIND_RESOURCE, connection->resources[i], v->now_ms);
        if (item)
            plan_resource(c, p, peer, item->record);
    }
}

static void on_death(struct loop_fd *source, uint32_t events)
{
    struct client *c = container_of(source, struct client, death);
    log_error("the engine of %s has ended", c->settings.interface);
    realise_close(c);
    client_apply(c);
}

static int open_engine(struct client *c)
{
    struct engine_options options = {.interface = c->settings.interface, .program = c->settings.engine};
    bool attached;
    if (c->engine)
        return 0;
    int r = engine_start(&options, &c->engine, &attached);
    if (r)
        return r;
    log_info(attached ? "found the engine of %s running" : "started an engine for %s", c->settings.interface);
    c->death = (struct loop_fd){.fd = engine_death_fd(c->engine), .events = EPOLLIN, .on_ready = on_death};
    return c->death.fd < 0 ? 0 : loop_fd_add(c->loop, &c->death);
}

static int set_network(struct client *c, const struct plan *p, const struct session_state *s)
{
    struct kernel_wish wish = {.interface = c->settings.interface,
                               .routes = (void *)p->routes.data,
                               .n_routes = p->routes.len / sizeof(struct net_prefix),
                               .endpoints = (const void *)p->endpoints.data,
                               .n_endpoints = p->endpoints.len / sizeof(struct net_addr)};
    if (net_addr_parse(s->inner_v4, &wish.inner[0]) || net_addr_parse(s->inner_v6, &wish.inner[1]))
        return -EBADMSG;
    return kernel_apply(&wish, on_clash, c);
}

void realise(struct client *c, const struct tunnel_view *view)
{
    struct plan p = {0};
    const struct store_item *session = client_session(c);
    const char *what = "WireGuard";
    buf_reset(&c->clashes);
    p.device.private_key = c->tunnel.key;
    for (size_t i = 0; i < c->tunnel.n_sites; i++)
        plan_site(c, &p, c->tunnel.sites[i], view);
    int r = open_engine(c);
    if (r == 0)
        r = engine_apply(c->engine, &p.device, NULL);
    if (r == 0) {
        what = "addresses and routes";
        r = set_network(c, &p, session->record);
    }
    if (r)
        note_problem(c, what, r);
    else
        c->problem[0] = '\0';
    plan_done(&p);
    (void)realise_proved(c);
}

/* Routes that lead elsewhere cannot be ours; those into the interface end with it. */
void realise_nothing(struct client *c)
{
    struct engine_options options = {.interface = c->settings.interface, .program = c->settings.engine};
    bool attached;
    loop_fd_remove(&c->death);
    /* One that an earlier daemon has left behind is found by starting it. */
    if (!c->engine && if_nametoindex(c->settings.interface) && engine_start(&options, &c->engine, &attached))
        c->engine = NULL;
    engine_stop(c->engine);
    c->engine = NULL;
    wg_device_done(&c->seen);
    buf_reset(&c->clashes);
    c->problem[0] = '\0';
    int r = kernel_clear();
    if (r)
        note_problem(c, "routes", r);
}

void realise_close(struct client *c)
{
    loop_fd_remove(&c->death);
    engine_free(c->engine);
    c->engine = NULL;
    wg_device_done(&c->seen);
}

const struct wg_peer *realise_peer(const struct client *c, const struct tunnel_site *s)
{
    return s->now.state == ATTEMPT_READY ? wg_device_find(&c->seen, &s->now.pair.gateway) : NULL;
}

bool realise_proved(struct client *c)
{
    bool all = true;
    wg_device_done(&c->seen);
    if (!c->engine || engine_get(c->engine, &c->seen))
        return false;
    for (size_t i = 0; i < c->tunnel.n_sites; i++) {
        const struct wg_peer *peer = realise_peer(c, c->tunnel.sites[i]);
        all &= c->tunnel.sites[i]->now.state != ATTEMPT_READY || (peer && peer->last_handshake_us);
    }
    return all;
}
