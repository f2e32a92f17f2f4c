/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway's enforcement in the kernel: one nftables table of our own, in which every packet from or to the tunnel is
 * checked in both directions. Destinations are cut into classes (disjoint boxes of address, protocol, port), each with a
 * mark; a grant is the pair (inner address, mark) and dies in the kernel by its timeout even when no agent lives.
 * Rules of other tables are never touched; what we refuse is refused whatever they accept.
 * Not thread-safe; the caller owns the handle. The table outlives it: nft_close() changes nothing in the kernel.
 */
#pragma once
#include "net/addr.h"

struct nft;

struct nft_options {
    const char *table;  /* unique per gateway on this host: letters, digits, '-', '_', at most 31 */
    const char *tunnel; /* WireGuard interface; it need not exist yet */
};

/* Finds the table, or makes it (also anew when it was made by another version or for another tunnel): then everything from
 * the tunnel is refused until classes and grants are set. Reads back which classes have which mark. Returns 0 or -errno. */
int nft_open(const struct nft_options *options, struct nft **out) MUSTCHECK;
void nft_close(struct nft *n);
/* Whether every rule is still the one that was there when the table was opened or made: 0, -ESTALE when somebody has changed
 * or removed any (nft flush ruleset), or -errno. Cheap; ask every second. */
int nft_check(struct nft *n) MUSTCHECK;
/* Makes the table anew in one step, closed as by nft_open(): classes and grants must be set again. */
int nft_remake(struct nft *n) MUSTCHECK;
/* Deletes the table: nothing is enforced any more, so the tunnel's interface must be gone. 0 also when there is none. */
int nft_remove(const char *table) MUSTCHECK;

struct nft_box {
    struct net_prefix prefix;
    uint8_t protocol_first, protocol_last;
    uint16_t port_first, port_last; /* 0..65535 for protocols without ports */
};

struct nft_class {
    const struct nft_box *boxes;
    size_t n_boxes;
    uint32_t mark; /* out: what grants name it by */
};

struct nft_grant {
    struct net_addr inner;
    uint32_t mark;
    int64_t left_ms; /* until the kernel forgets it */
};

/*
 * A change is collected between nft_begin() and nft_commit() and takes effect as a whole or not at all. After an error
 * of nft_commit() the kernel is as it was; -ENOENT means that somebody removed our table: nft_remake().
 */
void nft_begin(struct nft *n);
/* All classes that shall exist. One with exactly the boxes of a class that is in force keeps its mark, any other takes a
 * fresh one (never used before in this boot); grants on marks that are no longer in use go in the same change, and with
 * them the flows that they carried. Fills the marks, valid once committed. -ENOSPC when marks have run out. */
int nft_set_classes(struct nft *n, struct nft_class *classes, size_t n_classes) MUSTCHECK;
/* Gives or renews (replaces the rest of the time, longer or shorter). left_ms > 0. */
void nft_set_grant(struct nft *n, struct net_addr inner, uint32_t mark, int64_t left_ms);
/* Revokes: flows are cut with their next packet, either direction. Fine when it has expired already. */
void nft_drop_grant(struct nft *n, struct net_addr inner, uint32_t mark);
int nft_commit(struct nft *n) MUSTCHECK;

/* What is granted in the kernel now, sorted by address and mark; the caller frees *out. */
int nft_read_grants(struct nft *n, struct nft_grant **out, size_t *n_out) MUSTCHECK;

/* Deletes all connection tracking entries of flows that these addresses began: before an inner address is given to
 * somebody else. Tidying only: grants are what cuts. */
int nft_forget_flows(struct nft *n, const struct net_addr *inner, size_t n_inner) MUSTCHECK;

struct nft_counters {
    uint64_t refused_packets, refused_bytes; /* since the table was made */
};
int nft_read_counters(struct nft *n, struct nft_counters *out) MUSTCHECK;

struct nft_denied {
    struct net_addr inner, destination;
    uint8_t protocol;
    uint16_t port;    /* 0 for protocols without ports */
    uint64_t packets; /* since they were read last */
};
/* Refused packets from the tunnel, aggregated; read at least once a minute. The kernel keeps at most NFT_DENIED_MAX per
 * family; the rest is only in the counters. The caller frees *out. */
enum { NFT_DENIED_MAX = 4096 };
int nft_read_denied(struct nft *n, struct nft_denied **out, size_t *n_out) MUSTCHECK;
