/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table inet TABLE {
 *   map res4     { type ipv4_addr . inet_proto . inet_service : mark; flags interval; }            classes (res6 likewise)
 *   set grants4  { type ipv4_addr . mark; flags timeout; }                                         grants (grants6)
 *   set denied4  { type ipv4_addr . ipv4_addr . inet_proto . inet_service; flags dynamic,timeout; } refused (denied6)
 *   set marks    { type mark; }                                                       the highest mark ever given
 *   chain forward: tunnel to tunnel -> refuse_ask; from the tunnel -> ask; to the tunnel -> answer
 *   chain ask:     a new flow gets the mark of its class; then as answer; else refuse_ask
 *   chain answer:  accept what has a grant {ct original saddr . ct mark}; else refuse
 *   chain input:   from the tunnel -> refuse_ask                                       the gateway's host is no resource
 *   chain post:    from the tunnel, not into it -> masquerade
 * }
 * Every packet is looked up in the grants, both directions: removing an element is all that a revocation needs. The mark
 * is set only while a flow is new, so it means "class at the time of its first packet".
 */
#include "gateway/nft/skeleton.h"
#include "gateway/nft/expr.h"
#include "gateway/nft/nft.h"
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>

/* Change it with the rules below: tables of another version are replaced. */
enum { VERSION = 1 };

const char skeleton_res4[] = "res4", skeleton_res6[] = "res6", skeleton_grants4[] = "grants4",
           skeleton_grants6[] = "grants6", skeleton_denied4[] = "denied4", skeleton_denied6[] = "denied6",
           skeleton_marks[] = "marks", skeleton_refused[] = "refused";

enum { SIGNATURE_MAX = 64, DENIED_KEEP_MS = 180000 };

static void signature(const char *tunnel, char out[static SIGNATURE_MAX])
{
    snprintf(out, SIGNATURE_MAX, "postern %d %s", VERSION, tunnel);
}

struct finding {
    char wanted[SIGNATURE_MAX];
    bool there, same;
};

static int on_table(const struct nlmsghdr *m, void *arg)
{
    struct finding *f = arg;
    const struct nlattr *a[NFTA_TABLE_MAX + 1];
    nl_message_attrs(m, a, NFTA_TABLE_MAX);
    f->there = true;
    if (a[NFTA_TABLE_USERDATA])
        f->same = mnl_attr_get_payload_len(a[NFTA_TABLE_USERDATA]) == strlen(f->wanted) + 1 &&
                  memcmp(mnl_attr_get_payload(a[NFTA_TABLE_USERDATA]), f->wanted, strlen(f->wanted) + 1) == 0;
    return MNL_CB_OK;
}

static void on_restart(void *arg)
{
    struct finding *f = arg;
    f->there = f->same = false;
}

int skeleton_find(struct nl *nl, const char *table, const char *tunnel, bool *there)
{
    char space[NL_ROOM];
    struct finding f = {0};
    signature(tunnel, f.wanted);
    struct nlmsghdr *m = nl_request(nl, space, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_ACK);
    mnl_attr_put_strz(m, NFTA_TABLE_NAME, table);
    int r = nl_query(nl, m, on_table, on_restart, &f);
    *there = f.there;
    return r == -ENOENT ? 0 : r ? r : f.same;
}

/* Handles are never given twice within a table, and a rule that is replaced gets another. */
static int on_rule(const struct nlmsghdr *m, void *arg)
{
    uint64_t *sum = arg;
    const struct nlattr *a[NFTA_RULE_MAX + 1];
    nl_message_attrs(m, a, NFTA_RULE_MAX);
    *sum = *sum * UINT64_C(0x100000001b3) + nl_be64(a[NFTA_RULE_HANDLE]);
    return MNL_CB_OK;
}

static void on_rules_restart(void *arg)
{
    *(uint64_t *)arg = 0;
}

int skeleton_rules(struct nl *nl, const char *table, uint64_t *out)
{
    char space[NL_ROOM];
    struct nlmsghdr *m = nl_request(nl, space, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP);
    mnl_attr_put_strz(m, NFTA_RULE_TABLE, table);
    return nl_query(nl, m, on_rule, on_rules_restart, out);
}

/* Number types of the nft program, so that `nft list` shows keys as people write them; 6 bits each when joined. */
enum { TYPE_IPV4 = 7, TYPE_IPV6 = 8, TYPE_PROTOCOL = 12, TYPE_SERVICE = 13, TYPE_MARK = 19 };

struct set_spec {
    const char *name;
    uint32_t flags, key_type, key_len;
    uint8_t fields[4]; /* lengths of the key's fields, for interval maps */
    uint32_t size;
    uint64_t timeout_ms;
};

static uint32_t joined(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint32_t t = a << 6 | b;
    if (c)
        t = t << 6 | c;
    return d ? t << 6 | d : t;
}

static void put_fields(struct nlmsghdr *m, const uint8_t fields[static 4])
{
    struct nlattr *concat = mnl_attr_nest_start(m, NFTA_SET_DESC_CONCAT);
    for (int i = 0; i < 4 && fields[i]; i++) {
        struct nlattr *item = mnl_attr_nest_start(m, NFTA_LIST_ELEM);
        nl_put_be32(m, NFTA_SET_FIELD_LEN, fields[i]);
        mnl_attr_nest_end(m, item);
    }
    mnl_attr_nest_end(m, concat);
}

/* Marks are in host order, which the nft program would not know: a note for its listing only. */
static void put_byte_order(struct nlmsghdr *m)
{
    enum { KEY_ORDER = 0, DATA_ORDER = 1, HOST_ENDIAN = 1 };
    const uint32_t host = HOST_ENDIAN;
    uint8_t note[] = {KEY_ORDER, sizeof(host), 0, 0, 0, 0, DATA_ORDER, sizeof(host), 0, 0, 0, 0};
    memcpy(note + 2, &host, sizeof(host));
    memcpy(note + 8, &host, sizeof(host));
    mnl_attr_put(m, NFTA_SET_USERDATA, sizeof(note), note);
}

static void put_set(struct nl_batch *b, const char *table, const struct set_spec *s, uint32_t id)
{
    struct nlmsghdr *m = nl_batch_put(b, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
    mnl_attr_put_strz(m, NFTA_SET_TABLE, table);
    mnl_attr_put_strz(m, NFTA_SET_NAME, s->name);
    nl_put_be32(m, NFTA_SET_ID, id);
    nl_put_be32(m, NFTA_SET_FLAGS, s->flags);
    nl_put_be32(m, NFTA_SET_KEY_TYPE, s->key_type);
    nl_put_be32(m, NFTA_SET_KEY_LEN, s->key_len);
    if (s->flags & NFT_SET_MAP) {
        nl_put_be32(m, NFTA_SET_DATA_TYPE, TYPE_MARK);
        nl_put_be32(m, NFTA_SET_DATA_LEN, sizeof(uint32_t));
    }
    if (s->timeout_ms)
        nl_put_be64(m, NFTA_SET_TIMEOUT, s->timeout_ms);
    put_byte_order(m);
    struct nlattr *desc = mnl_attr_nest_start(m, NFTA_SET_DESC);
    if (s->size)
        nl_put_be32(m, NFTA_SET_DESC_SIZE, s->size);
    if (s->fields[0])
        put_fields(m, s->fields);
    mnl_attr_nest_end(m, desc);
}

static void put_sets(struct nl_batch *b, const char *table)
{
    const uint32_t classes = NFT_SET_INTERVAL | NFT_SET_MAP | NFT_SET_CONCAT, grants = NFT_SET_TIMEOUT,
                   denied = NFT_SET_TIMEOUT | NFT_SET_EVAL;
    const struct set_spec specs[] = {
        {skeleton_res4, classes, joined(TYPE_IPV4, TYPE_PROTOCOL, TYPE_SERVICE, 0), 12, {4, 1, 2}, 0, 0},
        {skeleton_res6, classes, joined(TYPE_IPV6, TYPE_PROTOCOL, TYPE_SERVICE, 0), 24, {16, 1, 2}, 0, 0},
        {skeleton_grants4, grants, joined(TYPE_IPV4, TYPE_MARK, 0, 0), 8, {0}, 0, 0},
        {skeleton_grants6, grants, joined(TYPE_IPV6, TYPE_MARK, 0, 0), 20, {0}, 0, 0},
        {skeleton_denied4,
         denied,
         joined(TYPE_IPV4, TYPE_IPV4, TYPE_PROTOCOL, TYPE_SERVICE),
         16,
         {0},
         NFT_DENIED_MAX,
         DENIED_KEEP_MS},
        {skeleton_denied6,
         denied,
         joined(TYPE_IPV6, TYPE_IPV6, TYPE_PROTOCOL, TYPE_SERVICE),
         40,
         {0},
         NFT_DENIED_MAX,
         DENIED_KEEP_MS},
        {skeleton_marks, 0, TYPE_MARK, 4, {0}, 0, 0},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(specs); i++)
        put_set(b, table, &specs[i], i + 1);
}

static void put_chain(struct nl_batch *b, const char *table, const char *name)
{
    struct nlmsghdr *m = nl_batch_put(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
    mnl_attr_put_strz(m, NFTA_CHAIN_TABLE, table);
    mnl_attr_put_strz(m, NFTA_CHAIN_NAME, name);
}

/* Policy accept: packets that have nothing to do with the tunnel are not ours to judge. */
static void put_base_chain(struct nl_batch *b, const char *table, const char *name, const char *type, unsigned hook,
                           int priority)
{
    put_chain(b, table, name);
    struct nlmsghdr *m = nl_batch_last(b);
    struct nlattr *nest = mnl_attr_nest_start(m, NFTA_CHAIN_HOOK);
    nl_put_be32(m, NFTA_HOOK_HOOKNUM, hook);
    nl_put_be32(m, NFTA_HOOK_PRIORITY, (uint32_t)priority);
    mnl_attr_nest_end(m, nest);
    mnl_attr_put_strz(m, NFTA_CHAIN_TYPE, type);
    nl_put_be32(m, NFTA_CHAIN_POLICY, NF_ACCEPT);
}

static void rule_goto(struct nl_batch *b, const char *table, const char *chain, const char *in, const char *out,
                      const char *target)
{
    struct rule r = rule_begin(b, table, chain);
    if (in)
        expr_interface(&r, NFT_META_IIFNAME, in, true);
    if (out)
        expr_interface(&r, NFT_META_OIFNAME, out, true);
    expr_verdict(&r, NFT_GOTO, target);
    rule_end(&r);
}

/* One of the two families, with where it keeps what. */
struct family {
    uint8_t nfproto;
    unsigned addr_len, saddr, daddr, ct_source;
    const char *res, *grants, *denied;
};

static const struct family families[] = {
    {NFPROTO_IPV4, 4, 12, 16, NFT_CT_SRC_IP, skeleton_res4, skeleton_grants4, skeleton_denied4},
    {NFPROTO_IPV6, 16, 8, 24, NFT_CT_SRC_IP6, skeleton_res6, skeleton_grants6, skeleton_denied6},
};

/* Bits of `ct state` and `ct status` (NF_CT_STATE_BIT of the kernel). */
enum { STATE_INVALID = 1 << 0, STATE_NEW = 1 << (IP_CT_NEW + 1) };

/* Late packets of flows that are over: answering them with a reset would kill their successors. */
static void rule_drop_invalid(struct nl_batch *b, const char *table, const char *chain)
{
    struct rule r = rule_begin(b, table, chain);
    expr_ct_bits(&r, NFT_CT_STATE, STATE_INVALID);
    expr_verdict(&r, NF_DROP, NULL);
    rule_end(&r);
}

/* A flow that a helper of the host expects would inherit its master's mark for a port that no class names. */
static void rule_refuse_expected(struct nl_batch *b, const char *table, const char *chain)
{
    struct rule r = rule_begin(b, table, chain);
    expr_ct_bits(&r, NFT_CT_STATUS, IPS_EXPECTED);
    expr_verdict(&r, NFT_GOTO, "refuse_ask");
    rule_end(&r);
}

static void rule_mark(struct nl_batch *b, const char *table, const char *chain, const struct family *f)
{
    unsigned at = f->addr_len / 4;
    struct rule r = rule_begin(b, table, chain);
    expr_family_is(&r, f->nfproto);
    expr_ct_bits(&r, NFT_CT_STATE, STATE_NEW);
    expr_load_payload(&r, 0, NFT_PAYLOAD_NETWORK_HEADER, f->daddr, f->addr_len);
    expr_load_protocol(&r, at);
    expr_load_payload(&r, at + 1, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
    expr_map_to_ct_mark(&r, f->res);
    rule_end(&r);
}

static void rule_granted(struct nl_batch *b, const char *table, const char *chain, const struct family *f)
{
    struct rule r = rule_begin(b, table, chain);
    expr_family_is(&r, f->nfproto);
    expr_load_ct(&r, 0, f->ct_source, IP_CT_DIR_ORIGINAL);
    expr_load_ct(&r, f->addr_len / 4, NFT_CT_MARK, -1);
    expr_in_set(&r, f->grants);
    expr_verdict(&r, NF_ACCEPT, NULL);
    rule_end(&r);
}

/* protocol 0: any, noted with port 0. */
static void rule_note(struct nl_batch *b, const char *table, const struct family *f, uint8_t protocol)
{
    unsigned at = f->addr_len / 4;
    struct rule r = rule_begin(b, table, "refuse_ask");
    expr_family_is(&r, f->nfproto);
    if (protocol)
        expr_protocol_is(&r, protocol);
    expr_load_payload(&r, 0, NFT_PAYLOAD_NETWORK_HEADER, f->saddr, f->addr_len);
    expr_load_payload(&r, at, NFT_PAYLOAD_NETWORK_HEADER, f->daddr, f->addr_len);
    expr_load_protocol(&r, 2 * at);
    if (protocol)
        expr_load_payload(&r, 2 * at + 1, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
    else
        expr_load_zero(&r, 2 * at + 1);
    expr_update_counted(&r, f->denied);
    expr_verdict(&r, NFT_GOTO, "refuse");
    rule_end(&r);
}

static void put_refuse(struct nl_batch *b, const char *table)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        rule_note(b, table, &families[i], IPPROTO_TCP);
        rule_note(b, table, &families[i], IPPROTO_UDP);
        rule_note(b, table, &families[i], 0);
    }
    /* Reached when the set is full. */
    rule_goto(b, table, "refuse_ask", NULL, NULL, "refuse");
    struct rule r = rule_begin(b, table, "refuse");
    expr_count(&r, skeleton_refused);
    rule_end(&r);
    r = rule_begin(b, table, "refuse");
    expr_protocol_is(&r, IPPROTO_TCP);
    expr_reject(&r, NFT_REJECT_TCP_RST, 0);
    rule_end(&r);
    r = rule_begin(b, table, "refuse");
    expr_reject(&r, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
    rule_end(&r);
    /* reject gives no answer to some packets (fragments, its own kind) and lets none pass; this line says so. */
    r = rule_begin(b, table, "refuse");
    expr_verdict(&r, NF_DROP, NULL);
    rule_end(&r);
}

static void put_check(struct nl_batch *b, const char *table)
{
    rule_drop_invalid(b, table, "ask");
    rule_refuse_expected(b, table, "ask");
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        rule_mark(b, table, "ask", &families[i]);
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        rule_granted(b, table, "ask", &families[i]);
    rule_goto(b, table, "ask", NULL, NULL, "refuse_ask");
    rule_drop_invalid(b, table, "answer");
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        rule_granted(b, table, "answer", &families[i]);
    rule_goto(b, table, "answer", NULL, NULL, "refuse");
}

static void put_hooks(struct nl_batch *b, const char *table, const char *tunnel)
{
    rule_goto(b, table, "forward", tunnel, tunnel, "refuse_ask");
    rule_goto(b, table, "forward", tunnel, NULL, "ask");
    rule_goto(b, table, "forward", NULL, tunnel, "answer");
    rule_goto(b, table, "input", tunnel, NULL, "refuse_ask");
    struct rule r = rule_begin(b, table, "post");
    expr_interface(&r, NFT_META_IIFNAME, tunnel, true);
    expr_interface(&r, NFT_META_OIFNAME, tunnel, false);
    expr_masquerade(&r);
    rule_end(&r);
}

void skeleton_create(struct nl_batch *b, const char *table, const char *tunnel)
{
    static const char *const chains[] = {"refuse", "refuse_ask", "ask", "answer"};
    char sign[SIGNATURE_MAX];
    signature(tunnel, sign);
    struct nlmsghdr *m = nl_batch_put(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
    mnl_attr_put_strz(m, NFTA_TABLE_NAME, table);
    mnl_attr_put_strz(m, NFTA_TABLE_USERDATA, sign);
    m = nl_batch_put(b, NFT_MSG_NEWOBJ, NLM_F_CREATE | NLM_F_EXCL);
    mnl_attr_put_strz(m, NFTA_OBJ_TABLE, table);
    mnl_attr_put_strz(m, NFTA_OBJ_NAME, skeleton_refused);
    nl_put_be32(m, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
    mnl_attr_nest_end(m, mnl_attr_nest_start(m, NFTA_OBJ_DATA));
    put_sets(b, table);
    for (size_t i = 0; i < ARRAY_LEN(chains); i++)
        put_chain(b, table, chains[i]);
    put_base_chain(b, table, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER);
    put_base_chain(b, table, "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER);
    put_base_chain(b, table, "post", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC);
    put_refuse(b, table);
    put_check(b, table);
    put_hooks(b, table, tunnel);
}

void skeleton_remove(struct nl_batch *b, const char *table)
{
    struct nlmsghdr *m = nl_batch_put(b, NFT_MSG_DELTABLE, 0);
    mnl_attr_put_strz(m, NFTA_TABLE_NAME, table);
}
