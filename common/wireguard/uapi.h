/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WireGuard's configuration as plain data, and its UAPI text (https://www.wireguard.com/xplatform/): answers
 * of `get=1` are parsed strictly, changes for `set=1` are written explicitly, one delta at a time or as the
 * difference of two devices. Pure. A device owns its lists; wg_device_done() wipes and frees it.
 */
#pragma once
#include "base/buf.h"
#include "net/addr.h"

enum { WG_KEY_LEN = 32 };

struct wg_key {
    uint8_t b[WG_KEY_LEN];
};

struct wg_peer {
    struct wg_key public_key;
    struct wg_key preshared_key;  /* all zero = none */
    struct net_endpoint endpoint; /* port 0 = none; as desired state: leave the engine's (it roams) */
    uint16_t keepalive_s;         /* 0 = off */
    struct net_prefix *allowed;   /* sorted, no duplicates */
    size_t n_allowed;
    int64_t last_handshake_us; /* wall clock, 0 = never */
    uint64_t rx_bytes, tx_bytes;
};

struct wg_device {
    struct wg_key private_key; /* all zero = none */
    uint16_t listen_port;      /* as desired state: 0 = leave the engine's */
    uint32_t fwmark;           /* 0 = none */
    struct wg_peer *peers;     /* sorted by public key, no duplicates */
    size_t n_peers;
};

void wg_device_done(struct wg_device *d);
/* The peer with this public key, or where it is missing a new empty one in its sorted place. Pointers to
 * other peers are invalid afterwards. */
struct wg_peer *wg_device_peer(struct wg_device *d, const struct wg_key *public_key);
/* NULL when there is none. */
struct wg_peer *wg_device_find(const struct wg_device *d, const struct wg_key *public_key);
void wg_device_remove(struct wg_device *d, const struct wg_key *public_key);
/* Adds an allowed-ip in its sorted place; a duplicate changes nothing. */
void wg_peer_allow(struct wg_peer *p, struct net_prefix prefix);

bool wg_key_is_zero(const struct wg_key *k);
int wg_key_compare(const struct wg_key *a, const struct wg_key *b); /* public keys only: not constant in time */

/* Parses one whole answer, up to and with its empty line. Returns 0, the engine's own -errno, or -EBADMSG for
 * anything that the protocol does not say (unknown, repeated or misplaced keys, numbers out of range, cut
 * text). */
int uapi_parse(const char *text, size_t len, struct wg_device *out) MUSTCHECK;

/* Text of one `set=1`: begin, then device lines, then peers in any number, then end. Keys are inside:
 * uapi_wipe(). */
void uapi_set_begin(struct buf *set);
void uapi_set_private_key(struct buf *set, const struct wg_key *key);
void uapi_set_listen_port(struct buf *set, uint16_t port);
void uapi_set_fwmark(struct buf *set, uint32_t fwmark);
void uapi_peer_add(struct buf *set, const struct wg_peer *peer); /* whole peer, replaces its allowed-ips */
void uapi_peer_remove(struct buf *set, const struct wg_key *public_key);
/* Changes of a peer that exists; never brings one into being. */
void uapi_peer_endpoint(struct buf *set, const struct wg_key *public_key, struct net_endpoint endpoint);
void uapi_peer_keepalive(struct buf *set, const struct wg_key *public_key, uint16_t keepalive_s);
void uapi_peer_allow(struct buf *set, const struct wg_key *public_key, const struct net_prefix *allowed, size_t n);
void uapi_peer_replace_allowed(struct buf *set, const struct wg_key *public_key, const struct net_prefix *allowed,
                               size_t n);
void uapi_set_end(struct buf *set);
void uapi_wipe(struct buf *set); /* overwrites and frees; for CLEANUP() */
#define UAPI_TEXT CLEANUP(uapi_wipe) struct buf

/* Appends the `set=1` text that makes actual into desired, nothing when they are equal. One sorted merge
 * walk; peers that stay are touched only where they differ, a different preshared key makes a new peer (so a
 * new handshake). Returns 0, or -EEXIST when desired gives one prefix to two peers. */
int uapi_diff(const struct wg_device *actual, const struct wg_device *desired, struct buf *set) MUSTCHECK;
