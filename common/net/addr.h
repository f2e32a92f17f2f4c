/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses and prefixes of both families as plain values: one 128-bit number, IPv4 as ::ffff:a.b.c.d.
 * That form of an IPv6 address is refused in text, so each address has one meaning; no IPv6 prefix contains
 * an IPv4 address.
 */
#pragma once
#include "base/defs.h"
#include <sys/socket.h>

struct net_addr {
    uint64_t hi, lo; /* host order, hi = first 8 bytes */
};

struct net_prefix {
    struct net_addr addr; /* no bits set beyond `bits` */
    uint8_t bits;         /* of 128; an IPv4 /24 is 120 */
};

struct net_endpoint {
    struct net_addr addr;
    uint16_t port;
};

enum {
    NET_ADDR_TEXT = 46,     /* INET6_ADDRSTRLEN */
    NET_PREFIX_TEXT = 50,   /* address, '/', three digits */
    NET_ENDPOINT_TEXT = 56, /* "[address]:65535" */
};

bool net_addr_is_v4(struct net_addr a);
/* <0, 0, >0; IPv4 sorts as its 128-bit number. */
int net_addr_compare(struct net_addr a, struct net_addr b);
bool net_addr_eq(struct net_addr a, struct net_addr b);
/* The address n further; wraps. */
struct net_addr net_addr_plus(struct net_addr a, uint64_t n);
struct net_addr net_addr_minus(struct net_addr a, uint64_t n);
/* Network-order bytes: 4 or 16; returns how many were written or taken. */
size_t net_addr_bytes(struct net_addr a, uint8_t out[static 16]);
struct net_addr net_addr_from_v4(const uint8_t bytes[static 4]);
struct net_addr net_addr_from_v6(const uint8_t bytes[static 16]);

/* Strict: dotted quad or RFC 4291 text without zone; returns 0 or -EINVAL. Output is RFC 5952. */
int net_addr_parse(const char *s, struct net_addr *out) MUSTCHECK;
void net_addr_format(struct net_addr a, char out[static NET_ADDR_TEXT]);

/* "10.0.0.0/8", "2001:db8::/32" or a single address; -EINVAL also when host bits are set. */
int net_prefix_parse(const char *s, struct net_prefix *out) MUSTCHECK;
/* A single address is printed without its length. */
void net_prefix_format(struct net_prefix p, char out[static NET_PREFIX_TEXT]);
/* Always with "/n": what WireGuard and routes want. */
void net_prefix_format_full(struct net_prefix p, char out[static NET_PREFIX_TEXT]);
/* The prefix of `bits` (of 128) around an address. */
struct net_prefix net_prefix_of(struct net_addr a, unsigned bits);
struct net_prefix net_prefix_host(struct net_addr a);
bool net_prefix_is_v4(struct net_prefix p);
/* Length as people write it: 0..32 or 0..128. */
unsigned net_prefix_len(struct net_prefix p);
struct net_addr net_prefix_last(struct net_prefix p);
bool net_prefix_contains(struct net_prefix p, struct net_addr a);
/* inner lies wholly within outer (or is equal). */
bool net_prefix_covers(struct net_prefix outer, struct net_prefix inner);
bool net_prefix_overlaps(struct net_prefix a, struct net_prefix b);
/* By address, then the shorter (larger) prefix first. */
int net_prefix_compare(struct net_prefix a, struct net_prefix b);
bool net_prefix_eq(struct net_prefix a, struct net_prefix b);

/* "198.51.100.2:51820" or "[2001:db8::1]:51820", port 1..65535; 0 or -EINVAL. */
int net_endpoint_parse(const char *s, struct net_endpoint *out) MUSTCHECK;
void net_endpoint_format(struct net_endpoint e, char out[static NET_ENDPOINT_TEXT]);
socklen_t net_endpoint_sockaddr(struct net_endpoint e, struct sockaddr_storage *out);
/* 0 or -EAFNOSUPPORT; a v4-mapped address becomes IPv4. */
int net_endpoint_from_sockaddr(const struct sockaddr *sa, struct net_endpoint *out) MUSTCHECK;
