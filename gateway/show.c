/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/str.h"
#include "gateway/daemon.h"
#include "gateway/view.h"

static const char *site_name(const struct gateway *g, int64_t now)
{
    const struct store_item *site = store_first(link_store(g->link), KIND_SITE, now);
    return site ? ((const struct site_state *)site->record)->name : NULL;
}

static size_t living(const struct grants *grants, struct net_addr inner, int64_t now)
{
    size_t n = 0;
    for (size_t i = 0; i < grants->n; i++)
        n += grants->v[i].until_ms > now && net_addr_eq(grants->v[i].inner, inner);
    return n;
}

static size_t living_all(const struct grants *grants, int64_t now)
{
    size_t n = 0;
    for (size_t i = 0; i < grants->n; i++)
        n += grants->v[i].until_ms > now;
    return n;
}

static void show_status(struct gateway *g, struct buf *out)
{
    int64_t now = clock_boot_ms();
    struct gateway_status s = {
        .id = g->identity.id,
        .site = site_name(g, now),
        .server = g->identity.agents_url,
        .connected = link_connected(g->link),
        .synced = link_synced(g->link),
        .applied = g->applied,
        .revision = link_revision(g->link),
        .interface = g->settings.interface,
        .listen_port = g->settings.listen_port,
        .wireguard_key = {g->vault.public_key.b, WG_KEY_LEN},
        .sessions = (int64_t)g->vault.n,
        .grants = (int64_t)living_all(&g->reconcile.actual, now),
        .denied_packets = (int64_t)report_refused(g),
        .renewed_ms_ago = g->renewals.at_ms == INT64_MIN ? -1 : now - g->renewals.at_ms,
        .problem = *g->problem ? g->problem : NULL,
    };
    rec_encode(&gateway_status_rec, &s, 0, out);
}

struct session_text {
    char v4[NET_ADDR_TEXT], v6[NET_ADDR_TEXT], endpoint[NET_ENDPOINT_TEXT];
};

static void fill_session(const struct gateway *g, const struct vault_peer *p, const struct wg_device *device,
                         struct session_text *text, struct gateway_session *s)
{
    int64_t now = clock_boot_ms();
    const struct wg_peer *peer = wg_device_find(device, &p->key);
    net_addr_format(p->inner_v4, text->v4);
    net_addr_format(p->inner_v6, text->v6);
    *s = (struct gateway_session){
        .connection = p->id,
        .session = p->session,
        .label = p->label,
        .inner_v4 = text->v4,
        .inner_v6 = text->v6,
        .grants =
            (int64_t)(living(&g->reconcile.actual, p->inner_v4, now) + living(&g->reconcile.actual, p->inner_v6, now)),
    };
    if (!peer)
        return;
    if (peer->endpoint.port) {
        net_endpoint_format(peer->endpoint, text->endpoint);
        s->endpoint = text->endpoint;
    }
    s->last_handshake = peer->last_handshake_us;
    s->received_bytes = (int64_t)peer->rx_bytes;
    s->sent_bytes = (int64_t)peer->tx_bytes;
}

static void show_sessions(struct gateway *g, struct buf *out)
{
    CLEANUP(wg_device_done) struct wg_device device = {0};
    size_t n = g->vault.n;
    struct session_text *text = xalloc(MAX(n, (size_t)1) * sizeof(*text));
    struct gateway_sessions list = {.items = xalloc(MAX(n, (size_t)1) * sizeof(*list.items)), .n_items = n};
    if (kernel_ops.get_device(&g->kernel, &device))
        wg_device_done(&device); /* shown without counters */
    for (size_t i = 0; i < n; i++)
        fill_session(g, g->vault.peers[i], &device, &text[i], &list.items[i]);
    rec_encode(&gateway_sessions_rec, &list, 0, out);
    free(list.items);
    free(text);
}

void show_answer(void *arg, const char *command, struct buf *out)
{
    struct gateway *g = arg;
    if (str_eq(command, "status"))
        show_status(g, out);
    else if (str_eq(command, "sessions"))
        show_sessions(g, out);
}
