/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nft/element.h"
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

/* Fields of a key lie one after the other, each padded to the 4 bytes of a register. */
static void put_field(uint8_t *key, size_t *len, const void *p, size_t n)
{
    memcpy(key + *len, p, n);
    *len += MNL_ALIGN(n);
}

static size_t put_box_edge(uint8_t *key, struct net_addr addr, uint8_t protocol, uint16_t port)
{
    uint8_t bytes[16], port_be[2] = {(uint8_t)(port >> 8), (uint8_t)port};
    size_t len = 0;
    put_field(key, &len, bytes, net_addr_bytes(addr, bytes));
    put_field(key, &len, &protocol, sizeof(protocol));
    put_field(key, &len, port_be, sizeof(port_be));
    return len;
}

struct element element_of_box(const struct nft_box *box, uint32_t mark)
{
    struct element e = {.is_range = true, .mark = mark};
    e.key_len = put_box_edge(e.key, box->prefix.addr, box->protocol_first, box->port_first);
    put_box_edge(e.key_end, net_prefix_last(box->prefix), box->protocol_last, box->port_last);
    return e;
}

struct element element_of_grant(struct net_addr inner, uint32_t mark, int64_t left_ms)
{
    struct element e = {.timeout_ms = left_ms};
    uint8_t bytes[16];
    put_field(e.key, &e.key_len, bytes, net_addr_bytes(inner, bytes));
    put_field(e.key, &e.key_len, &mark, sizeof(mark)); /* marks are in host order */
    return e;
}

struct element element_of_mark(uint32_t mark)
{
    struct element e = {0};
    put_field(e.key, &e.key_len, &mark, sizeof(mark));
    return e;
}

static struct net_addr get_addr(const uint8_t *p, bool v4)
{
    return v4 ? net_addr_from_v4(p) : net_addr_from_v6(p);
}

static size_t addr_len(bool v4)
{
    return v4 ? 4 : 16;
}

static uint16_t get_port(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* Length of the prefix from first to last, 255 when the range is no prefix. */
static uint8_t prefix_bits(struct net_addr first, struct net_addr last)
{
    for (unsigned bits = net_addr_is_v4(first) ? 96 : 0; bits <= 128; bits++) {
        struct net_prefix p = net_prefix_of(first, bits);
        if (net_addr_eq(p.addr, first) && net_addr_eq(net_prefix_last(p), last))
            return (uint8_t)bits;
    }
    return UINT8_MAX;
}

bool element_to_box(const struct element *e, bool v4, struct nft_box *out)
{
    size_t at = addr_len(v4);
    if (e->key_len != at + 8 || !e->is_range)
        return false;
    struct net_addr first = get_addr(e->key, v4);
    uint8_t bits = prefix_bits(first, get_addr(e->key_end, v4));
    if (bits == UINT8_MAX)
        return false;
    *out = (struct nft_box){
        .prefix = {.addr = first, .bits = bits},
        .protocol_first = e->key[at],
        .protocol_last = e->key_end[at],
        .port_first = get_port(e->key + at + 4),
        .port_last = get_port(e->key_end + at + 4),
    };
    return true;
}

bool element_to_grant(const struct element *e, bool v4, struct nft_grant *out)
{
    size_t at = addr_len(v4);
    if (e->key_len != at + sizeof(out->mark))
        return false;
    *out = (struct nft_grant){.inner = get_addr(e->key, v4), .left_ms = e->timeout_ms};
    memcpy(&out->mark, e->key + at, sizeof(out->mark));
    return true;
}

bool element_to_denied(const struct element *e, bool v4, struct nft_denied *out)
{
    size_t at = 2 * addr_len(v4);
    if (e->key_len != at + 8)
        return false;
    *out = (struct nft_denied){
        .inner = get_addr(e->key, v4),
        .destination = get_addr(e->key + at / 2, v4),
        .protocol = e->key[at],
        .port = get_port(e->key + at + 4),
        .packets = e->packets,
    };
    return true;
}

bool element_to_mark(const struct element *e, uint32_t *out)
{
    if (e->key_len != sizeof(*out))
        return false;
    memcpy(out, e->key, sizeof(*out));
    return true;
}

static void put_data(struct nlmsghdr *m, unsigned type, const void *p, size_t n)
{
    struct nlattr *nest = mnl_attr_nest_start(m, (uint16_t)type);
    mnl_attr_put(m, NFTA_DATA_VALUE, n, p);
    mnl_attr_nest_end(m, nest);
}

/* A list's length has 16 bits: new messages long before that. */
enum { MESSAGE_MAX = 32 * 1024 };

static struct nlmsghdr *message_for(struct element_writer *w, unsigned type, const char *set)
{
    if (w->set == set && w->type == type && nl_batch_last(w->batch)->nlmsg_len < MESSAGE_MAX)
        return nl_batch_last(w->batch);
    w->set = set;
    w->type = type;
    struct nlmsghdr *m = nl_batch_put(w->batch, type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, w->table);
    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, set);
    mnl_attr_nest_end(m, mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS));
    return m;
}

/* The list is the last attribute of the message. */
static struct nlattr *list_of(const struct nlmsghdr *m)
{
    const struct nlattr *a, *list = NULL;
    mnl_attr_for_each(a, m, sizeof(struct nfgenmsg)) list = a;
    return (struct nlattr *)(uintptr_t)list;
}

void element_put(struct element_writer *w, unsigned type, const char *set, const struct element *e)
{
    struct nlmsghdr *m = message_for(w, type, set);
    struct nlattr *list = list_of(m);
    struct nlattr *item = mnl_attr_nest_start(m, NFTA_LIST_ELEM);
    bool add = type == NFT_MSG_NEWSETELEM;
    put_data(m, NFTA_SET_ELEM_KEY, e->key, e->key_len);
    if (e->is_range)
        put_data(m, NFTA_SET_ELEM_KEY_END, e->key_end, e->key_len);
    if (add && e->mark)
        put_data(m, NFTA_SET_ELEM_DATA, &e->mark, sizeof(e->mark));
    if (add && e->timeout_ms)
        nl_put_be64(m, NFTA_SET_ELEM_TIMEOUT, (uint64_t)e->timeout_ms);
    mnl_attr_nest_end(m, item);
    mnl_attr_nest_end(m, list);
}

static size_t get_data(const struct nlattr *nest, void *out, size_t cap)
{
    const struct nlattr *a[NFTA_DATA_MAX + 1];
    nl_attrs(nest, a, NFTA_DATA_MAX);
    const struct nlattr *value = a[NFTA_DATA_VALUE];
    if (!value || mnl_attr_get_payload_len(value) > cap)
        return 0;
    memcpy(out, mnl_attr_get_payload(value), mnl_attr_get_payload_len(value));
    return mnl_attr_get_payload_len(value);
}

static uint64_t get_counter(const struct nlattr *expr)
{
    const struct nlattr *a[NFTA_EXPR_MAX + 1], *c[NFTA_COUNTER_MAX + 1];
    nl_attrs(expr, a, NFTA_EXPR_MAX);
    nl_attrs(a[NFTA_EXPR_DATA], c, NFTA_COUNTER_MAX);
    return nl_be64(c[NFTA_COUNTER_PACKETS]);
}

static struct element get_element(const struct nlattr *item)
{
    const struct nlattr *a[NFTA_SET_ELEM_MAX + 1];
    struct element e = {0};
    nl_attrs(item, a, NFTA_SET_ELEM_MAX);
    e.key_len = get_data(a[NFTA_SET_ELEM_KEY], e.key, sizeof(e.key));
    e.is_range = get_data(a[NFTA_SET_ELEM_KEY_END], e.key_end, sizeof(e.key_end)) == e.key_len;
    get_data(a[NFTA_SET_ELEM_DATA], &e.mark, sizeof(e.mark));
    e.timeout_ms = (int64_t)nl_be64(a[NFTA_SET_ELEM_EXPIRATION]);
    e.packets = get_counter(a[NFTA_SET_ELEM_EXPR]);
    return e;
}

struct reading {
    int (*each)(const struct element *e, void *arg);
    void (*restart)(void *arg);
    void *arg;
};

static int on_message(const struct nlmsghdr *m, void *arg)
{
    struct reading *r = arg;
    const struct nlattr *a[NFTA_SET_ELEM_LIST_MAX + 1], *item;
    nl_message_attrs(m, a, NFTA_SET_ELEM_LIST_MAX);
    if (!a[NFTA_SET_ELEM_LIST_ELEMENTS])
        return MNL_CB_OK;
    mnl_attr_for_each_nested(item, a[NFTA_SET_ELEM_LIST_ELEMENTS])
    {
        struct element e = get_element(item);
        int result = r->each(&e, r->arg);
        if (result) {
            errno = -result;
            return MNL_CB_ERROR;
        }
    }
    return MNL_CB_OK;
}

static void on_restart(void *arg)
{
    struct reading *r = arg;
    r->restart(r->arg);
}

int element_read(struct nl *nl, const char *table, const char *set, int (*each)(const struct element *e, void *arg),
                 void (*restart)(void *arg), void *arg)
{
    char space[NL_ROOM];
    struct reading r = {.each = each, .restart = restart, .arg = arg};
    struct nlmsghdr *m = nl_request(nl, space, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP);
    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, table);
    mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, set);
    return nl_query(nl, m, on_message, on_restart, &r);
}
