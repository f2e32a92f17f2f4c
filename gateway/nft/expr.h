/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of nftables, expression by expression, as the nft program compiles them. Private to gateway/nft. */
#pragma once
#include "gateway/nft/netlink.h"

struct rule {
    struct nlmsghdr *m;
    struct nlattr *list;
};

struct rule rule_begin(struct nl_batch *b, const char *table, const char *chain);
void rule_end(struct rule *r);

void expr_family_is(struct rule *r, uint8_t nfproto);
/* which: NFT_META_IIFNAME or NFT_META_OIFNAME */
void expr_interface(struct rule *r, unsigned which, const char *name, bool is);
void expr_protocol_is(struct rule *r, uint8_t protocol);
/* any of the bits; key: NFT_CT_STATE or NFT_CT_STATUS */
void expr_ct_bits(struct rule *r, unsigned key, uint32_t bits);
/* Loads into 4-byte register `at` (0..15). base: NFT_PAYLOAD_… */
void expr_load_payload(struct rule *r, unsigned at, unsigned base, unsigned offset, unsigned len);
void expr_load_protocol(struct rule *r, unsigned at);
void expr_load_zero(struct rule *r, unsigned at);
/* direction: -1 = none, 0 = original */
void expr_load_ct(struct rule *r, unsigned at, unsigned key, int direction);
/* The key lies in the registers from 0; ends the rule when it is not found. */
void expr_in_set(struct rule *r, const char *set);
void expr_map_to_ct_mark(struct rule *r, const char *map);
void expr_update_counted(struct rule *r, const char *set);
void expr_count(struct rule *r, const char *counter);
void expr_reject(struct rule *r, unsigned type, unsigned code);
void expr_masquerade(struct rule *r);
/* code: NF_ACCEPT, NF_DROP or NFT_GOTO with a chain */
void expr_verdict(struct rule *r, int code, const char *chain);
