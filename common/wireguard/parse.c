/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "base/str.h"
#include "wireguard/device.h"

/* Longest value: 64 hex digits; endpoints and prefixes are shorter. */
enum { VALUE_MAX = 128 };

struct parser {
    struct wg_device *device;
    struct wg_peer *peer; /* NULL in the device's own section */
    uint32_t seen;        /* bit = row of the key table, within the section */
    bool ended;           /* errno was read */
    int result;
};

static int read_key(const char *value, struct wg_key *out)
{
    return hex_decode_exact(value, out->b, WG_KEY_LEN);
}

static int read_private_key(struct parser *p, const char *value)
{
    return read_key(value, &p->device->private_key);
}

static int read_listen_port(struct parser *p, const char *value)
{
    uint64_t n;
    int r = parse_u64(value, 0, UINT16_MAX, &n);
    if (r == 0)
        p->device->listen_port = (uint16_t)n;
    return r;
}

static int read_fwmark(struct parser *p, const char *value)
{
    uint64_t n;
    int r = parse_u64(value, 0, UINT32_MAX, &n);
    if (r == 0)
        p->device->fwmark = (uint32_t)n;
    return r;
}

static int read_public_key(struct parser *p, const char *value)
{
    p->peer = wg_device_append(p->device);
    p->seen = 0;
    return read_key(value, &p->peer->public_key);
}

static int read_preshared_key(struct parser *p, const char *value)
{
    return read_key(value, &p->peer->preshared_key);
}

static int read_protocol_version(struct parser *p, const char *value)
{
    return str_eq(value, "1") ? 0 : -EINVAL;
}

/* A link-local address may carry its zone, which says nothing to us. */
static int read_endpoint(struct parser *p, const char *value)
{
    char text[VALUE_MAX];
    str_copy(text, sizeof(text), value);
    char *zone = strchr(text, '%'), *end = strchr(text, ']');
    if (zone && end && zone < end)
        memmove(zone, end, strlen(end) + 1);
    return net_endpoint_parse(text, &p->peer->endpoint);
}

static int read_handshake_sec(struct parser *p, const char *value)
{
    uint64_t n;
    int r = parse_u64(value, 0, INT64_MAX / 1000000 - 1, &n);
    if (r == 0)
        p->peer->last_handshake_us += (int64_t)n * 1000000;
    return r;
}

static int read_handshake_nsec(struct parser *p, const char *value)
{
    uint64_t n;
    int r = parse_u64(value, 0, 999999999, &n);
    if (r == 0)
        p->peer->last_handshake_us += (int64_t)n / 1000;
    return r;
}

static int read_rx_bytes(struct parser *p, const char *value)
{
    return parse_u64(value, 0, UINT64_MAX, &p->peer->rx_bytes);
}

static int read_tx_bytes(struct parser *p, const char *value)
{
    return parse_u64(value, 0, UINT64_MAX, &p->peer->tx_bytes);
}

static int read_keepalive(struct parser *p, const char *value)
{
    uint64_t n;
    int r = parse_u64(value, 0, UINT16_MAX, &n);
    if (r == 0)
        p->peer->keepalive_s = (uint16_t)n;
    return r;
}

static int read_allowed_ip(struct parser *p, const char *value)
{
    struct net_prefix prefix;
    int r = net_prefix_parse(value, &prefix);
    if (r == 0)
        wg_peer_allow(p->peer, prefix);
    return r;
}

static int read_errno(struct parser *p, const char *value)
{
    int64_t n;
    int r = parse_i64(value, -4095, 4095, &n);
    if (r == 0) {
        /* Engines disagree about the sign. */
        p->result = (int)(n > 0 ? -n : n);
        p->ended = true;
    }
    return r;
}

enum where { DEVICE = 1, PEER = 2, MANY = 4 };

static const struct row {
    const char *key;
    unsigned where;
    int (*read)(struct parser *p, const char *value);
} rows[] = {
    {"private_key", DEVICE, read_private_key},
    {"listen_port", DEVICE, read_listen_port},
    {"fwmark", DEVICE, read_fwmark},
    {"public_key", DEVICE | PEER | MANY, read_public_key},
    {"preshared_key", PEER, read_preshared_key},
    {"protocol_version", PEER, read_protocol_version},
    {"endpoint", PEER, read_endpoint},
    {"last_handshake_time_sec", PEER, read_handshake_sec},
    {"last_handshake_time_nsec", PEER, read_handshake_nsec},
    {"tx_bytes", PEER, read_tx_bytes},
    {"rx_bytes", PEER, read_rx_bytes},
    {"persistent_keepalive_interval", PEER, read_keepalive},
    {"allowed_ip", PEER | MANY, read_allowed_ip},
    {"errno", DEVICE | PEER, read_errno},
};

static int read_pair(struct parser *p, const char *key, size_t key_len, const char *value)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strlen(rows[i].key) != key_len || memcmp(rows[i].key, key, key_len) != 0)
            continue;
        uint32_t bit = UINT32_C(1) << i;
        if (!(rows[i].where & (p->peer ? PEER : DEVICE)) || (p->seen & bit && !(rows[i].where & MANY)))
            return -EBADMSG;
        p->seen |= bit;
        return rows[i].read(p, value) ? -EBADMSG : 0;
    }
    return -EBADMSG;
}

static int read_line(struct parser *p, const char *line, size_t len)
{
    const char *eq = memchr(line, '=', len);
    if (!eq || p->ended)
        return -EBADMSG;
    size_t n = len - (size_t)(eq + 1 - line);
    char value[VALUE_MAX];
    if (n == 0 || n >= sizeof(value) || memchr(eq + 1, '\0', n))
        return -EBADMSG;
    memcpy(value, eq + 1, n);
    value[n] = '\0';
    int r = read_pair(p, line, (size_t)(eq - line), value);
    explicit_bzero(value, sizeof(value));
    return r;
}

static int parse(struct parser *p, const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    while (at < end) {
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        if (!nl)
            return -EBADMSG;
        if (nl == at)
            return p->ended && nl + 1 == end ? p->result : -EBADMSG;
        int r = read_line(p, at, (size_t)(nl - at));
        if (r)
            return r;
        at = nl + 1;
    }
    return -EBADMSG;
}

int uapi_parse(const char *text, size_t len, struct wg_device *out)
{
    struct parser p = {.device = out};
    *out = (struct wg_device){0};
    int r = parse(&p, text, len);
    if (r == 0)
        r = wg_device_sort(out);
    if (r)
        wg_device_done(out);
    return r;
}
