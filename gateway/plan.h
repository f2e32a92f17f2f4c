/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must change so that the kernel is as it should be: pure functions of desired and actual state, without clocks
 * and I/O. Lists belong to their struct; *_done() frees them.
 */
#pragma once
#include "net/addr.h"
#include "wireguard/uapi.h"

/* One element of the grants in the kernel. */
struct plan_grant {
    struct net_addr inner;
    uint32_t mark;
    int64_t until_ms; /* clock_boot_ms() */
};

struct grants {
    struct plan_grant *v;
    size_t n, cap;
};

void grants_done(struct grants *g);
void grants_add(struct grants *g, struct net_addr inner, uint32_t mark, int64_t until_ms);
/* Sorts by address and mark; of several for the same pair the latest end stays. */
void grants_sort(struct grants *g);
const struct plan_grant *grants_find(const struct grants *g, struct net_addr inner, uint32_t mark);

/* Ends are moved only when it matters: later by at least PLAN_LATER_MS (a renewal need not rewrite every element every
 * 20 seconds) or when the end is near, earlier by more than clocks are read apart. */
enum { PLAN_LATER_MS = 30000, PLAN_NEAR_MS = 60000, PLAN_EARLIER_MS = 250 };

/* One merge walk over both lists, which are sorted: `drop` gets elements that must go, `cut` those that must end
 * earlier than they do, `set` those that are missing or may live longer. */
void plan_grants(const struct grants *wanted, const struct grants *actual, int64_t now_ms, struct grants *drop,
                 struct grants *cut, struct grants *set);

enum peer_place {
    PEER_GONE,    /* not installed */
    PEER_WAITING, /* installed without inner addresses, until its first handshake */
    PEER_OWNER,   /* installed, has the inner addresses */
};

/* A connection that may have a peer. Ids sort by age. */
struct plan_peer {
    const char *id, *session;
    struct wg_key key, psk;
    struct net_addr inner_v4, inner_v6;
    enum peer_place place; /* out */
};

/*
 * Gives each connection its place. Of the connections with the same inner address only those of the newest session
 * count; of them the newest that has shaken hands owns the address, else the one that has it now, else the newest. The
 * newer ones wait (make before break), the older ones go. Of two with the same WireGuard key the newer one stays.
 */
void plan_peers(struct plan_peer *peers, size_t n, const struct wg_device *actual);
/* The device that these places ask for; *out must be empty. */
void plan_device(const struct plan_peer *peers, size_t n, const struct wg_key *private_key, uint16_t listen_port,
                 struct wg_device *out);
