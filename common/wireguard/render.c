/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "wireguard/uapi.h"
#include "wireguard/wire.h"

static void put_key(struct buf *set, const char *name, const struct wg_key *key)
{
    char hex[HEX_LEN(WG_KEY_LEN)];
    hex_encode(key->b, WG_KEY_LEN, hex);
    /* Room first: a buffer that moves leaves the keys that it holds in freed memory. */
    if (set->cap - set->len < 4096) {
        struct buf bigger = {0};
        buf_reserve(&bigger, MAX(set->cap * 2, (size_t)8192));
        buf_append(&bigger, buf_str(set), set->len);
        uapi_wipe(set);
        *set = bigger;
    }
    buf_printf(set, "%s=%s\n", name, hex);
    explicit_bzero(hex, sizeof(hex));
}

static void put_allowed(struct buf *set, const struct net_prefix *allowed, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[NET_PREFIX_TEXT];
        net_prefix_format_full(allowed[i], text);
        buf_printf(set, "allowed_ip=%s\n", text);
    }
}

static void put_endpoint(struct buf *set, struct net_endpoint endpoint)
{
    char text[NET_ENDPOINT_TEXT];
    net_endpoint_format(endpoint, text);
    buf_printf(set, "endpoint=%s\n", text);
}

static void begin_update(struct buf *set, const struct wg_key *public_key)
{
    put_key(set, "public_key", public_key);
    buf_puts(set, "update_only=true\n");
}

void uapi_set_begin(struct buf *set)
{
    buf_puts(set, "set=1\n");
}

void uapi_set_private_key(struct buf *set, const struct wg_key *key)
{
    put_key(set, "private_key", key);
}

void uapi_set_listen_port(struct buf *set, uint16_t port)
{
    buf_printf(set, "listen_port=%u\n", port);
}

void uapi_set_fwmark(struct buf *set, uint32_t fwmark)
{
    buf_printf(set, "fwmark=%u\n", fwmark);
}

void uapi_peer_add(struct buf *set, const struct wg_peer *peer)
{
    put_key(set, "public_key", &peer->public_key);
    put_key(set, "preshared_key", &peer->preshared_key);
    if (peer->endpoint.port)
        put_endpoint(set, peer->endpoint);
    buf_puts(set, "replace_allowed_ips=true\n");
    put_allowed(set, peer->allowed, peer->n_allowed);
    /* Last: it may start the handshake at once, with what was said so far. */
    buf_printf(set, "persistent_keepalive_interval=%u\n", peer->keepalive_s);
}

void uapi_peer_remove(struct buf *set, const struct wg_key *public_key)
{
    put_key(set, "public_key", public_key);
    buf_puts(set, "remove=true\n");
}

void uapi_peer_endpoint(struct buf *set, const struct wg_key *public_key, struct net_endpoint endpoint)
{
    begin_update(set, public_key);
    put_endpoint(set, endpoint);
}

void uapi_peer_keepalive(struct buf *set, const struct wg_key *public_key, uint16_t keepalive_s)
{
    begin_update(set, public_key);
    buf_printf(set, "persistent_keepalive_interval=%u\n", keepalive_s);
}

void uapi_peer_allow(struct buf *set, const struct wg_key *public_key, const struct net_prefix *allowed, size_t n)
{
    begin_update(set, public_key);
    put_allowed(set, allowed, n);
}

void uapi_peer_replace_allowed(struct buf *set, const struct wg_key *public_key, const struct net_prefix *allowed,
                               size_t n)
{
    begin_update(set, public_key);
    buf_puts(set, "replace_allowed_ips=true\n");
    put_allowed(set, allowed, n);
}

void uapi_set_end(struct buf *set)
{
    buf_puts(set, "\n");
}

void uapi_wipe(struct buf *set)
{
    wire_wipe(set);
}
