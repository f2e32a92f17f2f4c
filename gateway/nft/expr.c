/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nft/expr.h"
#include "base/str.h"
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>

struct rule rule_begin(struct nl_batch *b, const char *table, const char *chain)
{
    struct nlmsghdr *m = nl_batch_put(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    mnl_attr_put_strz(m, NFTA_RULE_TABLE, table);
    mnl_attr_put_strz(m, NFTA_RULE_CHAIN, chain);
    return (struct rule){.m = m, .list = mnl_attr_nest_start(m, NFTA_RULE_EXPRESSIONS)};
}

void rule_end(struct rule *r)
{
    mnl_attr_nest_end(r->m, r->list);
}

struct expr {
    struct nlattr *item, *data;
};

static struct expr begin(struct rule *r, const char *name)
{
    struct expr e = {.item = mnl_attr_nest_start(r->m, NFTA_LIST_ELEM)};
    mnl_attr_put_strz(r->m, NFTA_EXPR_NAME, name);
    e.data = mnl_attr_nest_start(r->m, NFTA_EXPR_DATA);
    return e;
}

static void end(struct rule *r, struct expr e)
{
    mnl_attr_nest_end(r->m, e.data);
    mnl_attr_nest_end(r->m, e.item);
}

static void put_value(struct rule *r, unsigned type, const void *p, size_t n)
{
    struct nlattr *value = mnl_attr_nest_start(r->m, (uint16_t)type);
    mnl_attr_put(r->m, NFTA_DATA_VALUE, n, p);
    mnl_attr_nest_end(r->m, value);
}

static unsigned reg(unsigned at)
{
    return NFT_REG32_00 + at;
}

static void load_meta(struct rule *r, unsigned at, unsigned key)
{
    struct expr e = begin(r, "meta");
    nl_put_be32(r->m, NFTA_META_KEY, key);
    nl_put_be32(r->m, NFTA_META_DREG, reg(at));
    end(r, e);
}

static void compare(struct rule *r, unsigned op, const void *p, size_t n)
{
    struct expr e = begin(r, "cmp");
    nl_put_be32(r->m, NFTA_CMP_SREG, reg(0));
    nl_put_be32(r->m, NFTA_CMP_OP, op);
    put_value(r, NFTA_CMP_DATA, p, n);
    end(r, e);
}

void expr_family_is(struct rule *r, uint8_t nfproto)
{
    load_meta(r, 0, NFT_META_NFPROTO);
    compare(r, NFT_CMP_EQ, &nfproto, sizeof(nfproto));
}

void expr_interface(struct rule *r, unsigned which, const char *name, bool is)
{
    char padded[IFNAMSIZ] = {0};
    str_copy(padded, sizeof(padded), name);
    load_meta(r, 0, which);
    compare(r, is ? NFT_CMP_EQ : NFT_CMP_NEQ, padded, sizeof(padded));
}

void expr_protocol_is(struct rule *r, uint8_t protocol)
{
    load_meta(r, 0, NFT_META_L4PROTO);
    compare(r, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

void expr_load_ct(struct rule *r, unsigned at, unsigned key, int direction)
{
    struct expr e = begin(r, "ct");
    nl_put_be32(r->m, NFTA_CT_KEY, key);
    nl_put_be32(r->m, NFTA_CT_DREG, reg(at));
    if (direction >= 0)
        mnl_attr_put_u8(r->m, NFTA_CT_DIRECTION, (uint8_t)direction);
    end(r, e);
}

void expr_ct_bits(struct rule *r, unsigned key, uint32_t bits)
{
    static const uint32_t zero;
    expr_load_ct(r, 0, key, -1);
    struct expr e = begin(r, "bitwise");
    nl_put_be32(r->m, NFTA_BITWISE_SREG, reg(0));
    nl_put_be32(r->m, NFTA_BITWISE_DREG, reg(0));
    nl_put_be32(r->m, NFTA_BITWISE_LEN, sizeof(bits));
    put_value(r, NFTA_BITWISE_MASK, &bits, sizeof(bits));
    put_value(r, NFTA_BITWISE_XOR, &zero, sizeof(zero));
    end(r, e);
    compare(r, NFT_CMP_NEQ, &zero, sizeof(zero));
}

void expr_load_payload(struct rule *r, unsigned at, unsigned base, unsigned offset, unsigned len)
{
    struct expr e = begin(r, "payload");
    nl_put_be32(r->m, NFTA_PAYLOAD_DREG, reg(at));
    nl_put_be32(r->m, NFTA_PAYLOAD_BASE, base);
    nl_put_be32(r->m, NFTA_PAYLOAD_OFFSET, offset);
    nl_put_be32(r->m, NFTA_PAYLOAD_LEN, len);
    end(r, e);
}

void expr_load_protocol(struct rule *r, unsigned at)
{
    load_meta(r, at, NFT_META_L4PROTO);
}

void expr_load_zero(struct rule *r, unsigned at)
{
    static const uint16_t zero;
    struct expr e = begin(r, "immediate");
    nl_put_be32(r->m, NFTA_IMMEDIATE_DREG, reg(at));
    put_value(r, NFTA_IMMEDIATE_DATA, &zero, sizeof(zero));
    end(r, e);
}

static void lookup(struct rule *r, const char *set, bool to_register)
{
    struct expr e = begin(r, "lookup");
    mnl_attr_put_strz(r->m, NFTA_LOOKUP_SET, set);
    nl_put_be32(r->m, NFTA_LOOKUP_SREG, reg(0));
    if (to_register)
        nl_put_be32(r->m, NFTA_LOOKUP_DREG, reg(0));
    end(r, e);
}

void expr_in_set(struct rule *r, const char *set)
{
    lookup(r, set, false);
}

void expr_map_to_ct_mark(struct rule *r, const char *map)
{
    lookup(r, map, true);
    struct expr e = begin(r, "ct");
    nl_put_be32(r->m, NFTA_CT_KEY, NFT_CT_MARK);
    nl_put_be32(r->m, NFTA_CT_SREG, reg(0));
    end(r, e);
}

void expr_update_counted(struct rule *r, const char *set)
{
    struct expr e = begin(r, "dynset");
    mnl_attr_put_strz(r->m, NFTA_DYNSET_SET_NAME, set);
    nl_put_be32(r->m, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
    nl_put_be32(r->m, NFTA_DYNSET_SREG_KEY, reg(0));
    struct nlattr *counter = mnl_attr_nest_start(r->m, NFTA_DYNSET_EXPR);
    mnl_attr_put_strz(r->m, NFTA_EXPR_NAME, "counter");
    struct nlattr *data = mnl_attr_nest_start(r->m, NFTA_EXPR_DATA);
    mnl_attr_nest_end(r->m, data);
    mnl_attr_nest_end(r->m, counter);
    end(r, e);
}

void expr_count(struct rule *r, const char *counter)
{
    struct expr e = begin(r, "objref");
    nl_put_be32(r->m, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
    mnl_attr_put_strz(r->m, NFTA_OBJREF_IMM_NAME, counter);
    end(r, e);
}

void expr_reject(struct rule *r, unsigned type, unsigned code)
{
    struct expr e = begin(r, "reject");
    nl_put_be32(r->m, NFTA_REJECT_TYPE, type);
    mnl_attr_put_u8(r->m, NFTA_REJECT_ICMP_CODE, (uint8_t)code);
    end(r, e);
}

void expr_masquerade(struct rule *r)
{
    end(r, begin(r, "masq"));
}

void expr_verdict(struct rule *r, int code, const char *chain)
{
    struct expr e = begin(r, "immediate");
    nl_put_be32(r->m, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    struct nlattr *data = mnl_attr_nest_start(r->m, NFTA_IMMEDIATE_DATA);
    struct nlattr *verdict = mnl_attr_nest_start(r->m, NFTA_DATA_VERDICT);
    nl_put_be32(r->m, NFTA_VERDICT_CODE, (uint32_t)code);
    if (chain)
        mnl_attr_put_strz(r->m, NFTA_VERDICT_CHAIN, chain);
    mnl_attr_nest_end(r->m, verdict);
    mnl_attr_nest_end(r->m, data);
    end(r, e);
}
