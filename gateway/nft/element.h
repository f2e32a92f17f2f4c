/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of our sets and maps: keys to bytes, messages, dumps. Private to gateway/nft. */
#pragma once
#include "gateway/nft/netlink.h"
#include "gateway/nft/nft.h"

enum { ELEMENT_KEY_MAX = 40 };

struct element {
    uint8_t key[ELEMENT_KEY_MAX], key_end[ELEMENT_KEY_MAX];
    size_t key_len;
    bool is_range;      /* key..key_end, field by field */
    uint32_t mark;      /* data of a map; 0 = none */
    int64_t timeout_ms; /* 0 = none; of a dump: what is left */
    uint64_t packets;   /* counter, only in dumps */
};

/* Which of a pair of sets holds this address: name4 or name6. */
#define ELEMENT_SET(addr, name4, name6) (net_addr_is_v4(addr) ? (name4) : (name6))

struct element element_of_box(const struct nft_box *box, uint32_t mark);
struct element element_of_grant(struct net_addr inner, uint32_t mark, int64_t left_ms);
struct element element_of_mark(uint32_t mark);
/* Back again; false when the key has another length. v4: from a set of IPv4 keys. */
bool element_to_box(const struct element *e, bool v4, struct nft_box *out);
bool element_to_grant(const struct element *e, bool v4, struct nft_grant *out);
bool element_to_denied(const struct element *e, bool v4, struct nft_denied *out);
bool element_to_mark(const struct element *e, uint32_t *out);

/* type: NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM. Elements of the same kind that follow each other share a message. */
struct element_writer {
    struct nl_batch *batch;
    const char *table, *set;
    unsigned type;
};
void element_put(struct element_writer *w, unsigned type, const char *set, const struct element *e);

/* Gives every element of a set to `each` (0 or -errno); see nl_query() for restart. */
int element_read(struct nl *nl, const char *table, const char *set, int (*each)(const struct element *e, void *arg),
                 void (*restart)(void *arg), void *arg) MUSTCHECK;
