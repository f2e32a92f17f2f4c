/* SPDX-License-Identifier: Apache-2.0 */
#include "net/addr.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const uint64_t V4_MARK = UINT64_C(0xffff) << 32;
enum { V4_OFFSET = 96 };

bool net_addr_is_v4(struct net_addr a)
{
    return a.hi == 0 && a.lo >> 32 == 0xffff;
}

int net_addr_compare(struct net_addr a, struct net_addr b)
{
    if (a.hi != b.hi)
        return a.hi < b.hi ? -1 : 1;
    return a.lo == b.lo ? 0 : a.lo < b.lo ? -1 : 1;
}

bool net_addr_eq(struct net_addr a, struct net_addr b)
{
    return a.hi == b.hi && a.lo == b.lo;
}

struct net_addr net_addr_plus(struct net_addr a, uint64_t n)
{
    uint64_t lo = a.lo + n;
    return (struct net_addr){a.hi + (lo < n), lo};
}

struct net_addr net_addr_minus(struct net_addr a, uint64_t n)
{
    return (struct net_addr){a.hi - (a.lo < n), a.lo - n};
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static void store64(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)(v & 0xff);
}

struct net_addr net_addr_from_v4(const uint8_t b[static 4])
{
    uint64_t v4 = (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
    return (struct net_addr){0, V4_MARK | v4};
}

struct net_addr net_addr_from_v6(const uint8_t b[static 16])
{
    return (struct net_addr){load64(b), load64(b + 8)};
}

size_t net_addr_bytes(struct net_addr a, uint8_t out[static 16])
{
    store64(out, a.hi);
    store64(out + 8, a.lo);
    if (!net_addr_is_v4(a))
        return 16;
    memmove(out, out + 12, 4);
    return 4;
}

int net_addr_parse(const char *s, struct net_addr *out)
{
    uint8_t b[16];
    if (inet_pton(AF_INET, s, b) == 1) {
        *out = net_addr_from_v4(b);
        return 0;
    }
    if (inet_pton(AF_INET6, s, b) != 1)
        return -EINVAL;
    *out = net_addr_from_v6(b);
    return net_addr_is_v4(*out) ? -EINVAL : 0;
}

void net_addr_format(struct net_addr a, char out[static NET_ADDR_TEXT])
{
    uint8_t b[16];
    size_t n = net_addr_bytes(a, b);
    if (!inet_ntop(n == 4 ? AF_INET : AF_INET6, b, out, NET_ADDR_TEXT))
        abort(); /* the buffer holds every address */
}

static struct net_addr mask_of(unsigned bits)
{
    return (struct net_addr){
        bits == 0    ? 0
        : bits >= 64 ? UINT64_MAX
                     : UINT64_MAX << (64 - bits),
        bits <= 64    ? 0
        : bits >= 128 ? UINT64_MAX
                      : UINT64_MAX << (128 - bits),
    };
}

struct net_prefix net_prefix_of(struct net_addr a, unsigned bits)
{
    struct net_addr m = mask_of(bits);
    return (struct net_prefix){{a.hi & m.hi, a.lo & m.lo}, (uint8_t)MIN(bits, 128u)};
}

struct net_prefix net_prefix_host(struct net_addr a)
{
    return (struct net_prefix){a, 128};
}

bool net_prefix_is_v4(struct net_prefix p)
{
    return p.bits >= V4_OFFSET && net_addr_is_v4(p.addr);
}

unsigned net_prefix_len(struct net_prefix p)
{
    return net_prefix_is_v4(p) ? p.bits - (unsigned)V4_OFFSET : p.bits;
}

int net_prefix_parse(const char *s, struct net_prefix *out)
{
    char addr[NET_ADDR_TEXT];
    const char *slash = strchr(s, '/');
    size_t n = slash ? (size_t)(slash - s) : strlen(s);
    struct net_addr a;
    uint64_t len;
    if (n >= sizeof(addr))
        return -EINVAL;
    memcpy(addr, s, n);
    addr[n] = '\0';
    if (net_addr_parse(addr, &a))
        return -EINVAL;
    unsigned offset = net_addr_is_v4(a) ? V4_OFFSET : 0, bits = 128;
    if (slash) {
        if (parse_u64(slash + 1, 0, 128 - offset, &len) || (slash[1] == '0' && slash[2]))
            return -EINVAL;
        bits = (unsigned)len + offset;
    }
    *out = net_prefix_of(a, bits);
    return net_addr_eq(out->addr, a) ? 0 : -EINVAL;
}

void net_prefix_format_full(struct net_prefix p, char out[static NET_PREFIX_TEXT])
{
    char addr[NET_ADDR_TEXT];
    net_addr_format(p.addr, addr);
    snprintf(out, NET_PREFIX_TEXT, "%s/%u", addr, net_prefix_len(p));
}

void net_prefix_format(struct net_prefix p, char out[static NET_PREFIX_TEXT])
{
    if (p.bits == 128)
        net_addr_format(p.addr, out);
    else
        net_prefix_format_full(p, out);
}

struct net_addr net_prefix_last(struct net_prefix p)
{
    struct net_addr m = mask_of(p.bits);
    return (struct net_addr){p.addr.hi | ~m.hi, p.addr.lo | ~m.lo};
}

bool net_prefix_contains(struct net_prefix p, struct net_addr a)
{
    return net_prefix_covers(p, net_prefix_host(a));
}

bool net_prefix_covers(struct net_prefix outer, struct net_prefix inner)
{
    /* ::/0 holds the numbers of IPv4 too, but not its addresses. */
    if (net_prefix_is_v4(outer) != net_prefix_is_v4(inner) || outer.bits > inner.bits)
        return false;
    return net_addr_eq(net_prefix_of(inner.addr, outer.bits).addr, outer.addr);
}

bool net_prefix_overlaps(struct net_prefix a, struct net_prefix b)
{
    return net_prefix_covers(a, b) || net_prefix_covers(b, a);
}

int net_prefix_compare(struct net_prefix a, struct net_prefix b)
{
    int c = net_addr_compare(a.addr, b.addr);
    return c ? c : (int)a.bits - (int)b.bits;
}

bool net_prefix_eq(struct net_prefix a, struct net_prefix b)
{
    return net_prefix_compare(a, b) == 0;
}

int net_endpoint_parse(const char *s, struct net_endpoint *out)
{
    char addr[NET_ADDR_TEXT];
    const char *colon = strrchr(s, ':');
    uint64_t port;
    if (!colon || parse_u64(colon + 1, 1, UINT16_MAX, &port) || colon[1] == '0')
        return -EINVAL;
    size_t n = (size_t)(colon - s);
    bool bracketed = n >= 2 && s[0] == '[' && s[n - 1] == ']';
    if (bracketed) {
        s++;
        n -= 2;
    }
    if (n >= sizeof(addr))
        return -EINVAL;
    memcpy(addr, s, n);
    addr[n] = '\0';
    out->port = (uint16_t)port;
    if (net_addr_parse(addr, &out->addr))
        return -EINVAL;
    return net_addr_is_v4(out->addr) == bracketed ? -EINVAL : 0;
}

void net_endpoint_format(struct net_endpoint e, char out[static NET_ENDPOINT_TEXT])
{
    char addr[NET_ADDR_TEXT];
    net_addr_format(e.addr, addr);
    snprintf(out, NET_ENDPOINT_TEXT, net_addr_is_v4(e.addr) ? "%s:%u" : "[%s]:%u", addr, e.port);
}

socklen_t net_endpoint_sockaddr(struct net_endpoint e, struct sockaddr_storage *out)
{
    uint8_t b[16];
    memset(out, 0, sizeof(*out));
    if (net_addr_bytes(e.addr, b) == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(e.port);
        memcpy(&in->sin_addr, b, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(e.port);
    memcpy(&in6->sin6_addr, b, 16);
    return sizeof(*in6);
}

int net_endpoint_from_sockaddr(const struct sockaddr *sa, struct net_endpoint *out)
{
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
        uint8_t b[4];
        memcpy(b, &in->sin_addr, 4);
        *out = (struct net_endpoint){net_addr_from_v4(b), ntohs(in->sin_port)};
        return 0;
    }
    if (sa->sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
    *out = (struct net_endpoint){net_addr_from_v6(in6->sin6_addr.s6_addr), ntohs(in6->sin6_port)};
    return 0;
}
