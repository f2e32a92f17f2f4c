/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include "base/encode.h"
#include <stdio.h>

static struct net_prefix prefix_number(unsigned i)
{
    static const char *const text[] = {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0",
                                       "fd00::/8",   "fd00::1/128", "::/0",        "100.64.0.1/32"};
    struct net_prefix p;
    assert_int_equal(net_prefix_parse(text[i], &p), 0);
    return p;
}

void model_random(struct wg_device *d, struct test_rng *rng)
{
    if (test_rng_below(rng, 2))
        d->private_key.b[0] = (uint8_t)(1 + test_rng_below(rng, 2));
    d->listen_port = (uint16_t)(1 + test_rng_below(rng, 3));
    d->fwmark = (uint32_t)test_rng_below(rng, 2);
    for (unsigned k = 1; k <= 6; k++) {
        if (test_rng_below(rng, 2))
            continue;
        struct wg_peer *p = wg_device_peer(d, &(struct wg_key){.b = {(uint8_t)(k * 37)}});
        p->preshared_key.b[5] = (uint8_t)(test_rng_below(rng, 4) == 0);
        p->keepalive_s = (uint16_t)(25 * test_rng_below(rng, 2));
        p->endpoint =
            (struct net_endpoint){.addr = prefix_number(7).addr, .port = (uint16_t)(1 + test_rng_below(rng, 2))};
    }
    for (unsigned i = 0; i < 8 && d->n_peers > 0; i++)
        if (test_rng_below(rng, 3))
            wg_peer_allow(&d->peers[test_rng_below(rng, d->n_peers)], prefix_number(i));
}

static void take_from_all(struct wg_device *d, struct net_prefix prefix)
{
    for (size_t i = 0; i < d->n_peers; i++) {
        struct wg_peer *p = &d->peers[i];
        size_t kept = 0;
        for (size_t j = 0; j < p->n_allowed; j++)
            if (!net_prefix_eq(p->allowed[j], prefix))
                p->allowed[kept++] = p->allowed[j];
        p->n_allowed = kept;
    }
}

/* `fresh`: the peer came into being with its public_key line and may not if update_only follows. */
struct player {
    struct wg_device *d;
    struct wg_key key;
    bool in_peer, fresh;
};

static int play_peer(struct player *s, const char *key, const char *value)
{
    struct wg_peer *p = wg_device_find(s->d, &s->key);
    struct net_prefix prefix;
    if (str_eq(key, "update_only")) {
        if (s->fresh)
            wg_device_remove(s->d, &s->key);
        return 0;
    }
    if (str_eq(key, "remove")) {
        wg_device_remove(s->d, &s->key);
        return 0;
    }
    if (!p)
        return 0; /* update_only of a peer that is not there */
    if (str_eq(key, "preshared_key"))
        return hex_decode_exact(value, p->preshared_key.b, WG_KEY_LEN);
    if (str_eq(key, "endpoint"))
        return net_endpoint_parse(value, &p->endpoint);
    if (str_eq(key, "persistent_keepalive_interval")) {
        p->keepalive_s = (uint16_t)strtoul(value, NULL, 10);
        return 0;
    }
    if (str_eq(key, "replace_allowed_ips")) {
        p->n_allowed = 0;
        return 0;
    }
    if (!str_eq(key, "allowed_ip") || net_prefix_parse(value, &prefix))
        return -EINVAL;
    take_from_all(s->d, prefix);
    wg_peer_allow(p, prefix);
    return 0;
}

static int play(struct player *s, const char *key, const char *value)
{
    if (str_eq(key, "public_key")) {
        if (hex_decode_exact(value, s->key.b, WG_KEY_LEN))
            return -EINVAL;
        s->in_peer = true;
        s->fresh = !wg_device_find(s->d, &s->key);
        wg_device_peer(s->d, &s->key);
        return 0;
    }
    if (s->in_peer)
        return play_peer(s, key, value);
    if (str_eq(key, "private_key"))
        return hex_decode_exact(value, s->d->private_key.b, WG_KEY_LEN);
    if (str_eq(key, "listen_port"))
        s->d->listen_port = (uint16_t)strtoul(value, NULL, 10);
    else if (str_eq(key, "fwmark"))
        s->d->fwmark = (uint32_t)strtoul(value, NULL, 10);
    else
        return str_eq(key, "set") && str_eq(value, "1") ? 0 : -EINVAL;
    return 0;
}

int model_set(struct wg_device *d, const char *text)
{
    struct player s = {.d = d};
    char key[64], value[128];
    int n;
    for (; *text != '\n'; text += n)
        if (sscanf(text, "%63[a-z_0-9]=%127[^\n]%n", key, value, &n) != 2 || text[n++] != '\n' || play(&s, key, value))
            return -EINVAL;
    return text[1] == '\0' ? 0 : -EINVAL;
}

static void put_hex(struct buf *out, const char *name, const struct wg_key *key)
{
    char hex[HEX_LEN(WG_KEY_LEN)];
    hex_encode(key->b, WG_KEY_LEN, hex);
    buf_printf(out, "%s=%s\n", name, hex);
}

void model_get(const struct wg_device *d, struct buf *out)
{
    char text[NET_ENDPOINT_TEXT];
    put_hex(out, "private_key", &d->private_key);
    buf_printf(out, "listen_port=%u\nfwmark=%u\n", d->listen_port, d->fwmark);
    for (size_t i = d->n_peers; i-- > 0;) { /* not in order: engines do not promise one */
        const struct wg_peer *p = &d->peers[i];
        put_hex(out, "public_key", &p->public_key);
        put_hex(out, "preshared_key", &p->preshared_key);
        net_endpoint_format(p->endpoint, text);
        buf_printf(out, "endpoint=%s\npersistent_keepalive_interval=%u\n", text, p->keepalive_s);
        for (size_t j = p->n_allowed; j-- > 0;) {
            net_prefix_format_full(p->allowed[j], text);
            buf_printf(out, "allowed_ip=%s\n", text);
        }
    }
    buf_puts(out, "errno=0\n\n");
}

void model_assert_equal(const struct wg_device *a, const struct wg_device *b)
{
    BUF_AUTO x = {0};
    BUF_AUTO y = {0};
    model_get(a, &x);
    model_get(b, &y);
    assert_string_equal(buf_str(&x), buf_str(&y));
}
