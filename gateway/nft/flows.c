/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nft/flows.h"
#include "gateway/nft/classes.h"
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

static int dump(struct nl *nl, mnl_cb_t each, void (*restart)(void *arg), void *arg)
{
    static const unsigned families[] = {AF_INET, AF_INET6};
    int r = 0;
    for (size_t i = 0; i < ARRAY_LEN(families) && r == 0; i++) {
        char space[NL_ROOM];
        struct nlmsghdr *m = nl_request(nl, space, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, families[i], NLM_F_DUMP);
        r = nl_query(nl, m, each, restart, arg);
    }
    return r;
}

static int on_mark(const struct nlmsghdr *m, void *arg)
{
    uint32_t *highest = arg;
    const struct nlattr *a[CTA_MAX + 1];
    nl_message_attrs(m, a, CTA_MAX);
    uint32_t mark = nl_be32(a[CTA_MARK]);
    if (mark_is_ours(mark) && mark > *highest)
        *highest = mark;
    return MNL_CB_OK;
}

static void keep(void *arg)
{
}

int flows_highest_mark(struct nl *nl, uint32_t *out)
{
    *out = 0;
    return dump(nl, on_mark, keep, out);
}

/* Requests to delete, one after the other, ready to be sent. */
struct doomed {
    struct nl *nl;
    const struct net_addr *sources;
    size_t n_sources;
    struct buf requests;
};

static bool get_source(const struct nlattr *tuple, struct net_addr *out)
{
    const struct nlattr *t[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1];
    nl_attrs(tuple, t, CTA_TUPLE_MAX);
    nl_attrs(t[CTA_TUPLE_IP], ip, CTA_IP_MAX);
    if (ip[CTA_IP_V4_SRC] && mnl_attr_get_payload_len(ip[CTA_IP_V4_SRC]) == 4)
        *out = net_addr_from_v4(mnl_attr_get_payload(ip[CTA_IP_V4_SRC]));
    else if (ip[CTA_IP_V6_SRC] && mnl_attr_get_payload_len(ip[CTA_IP_V6_SRC]) == 16)
        *out = net_addr_from_v6(mnl_attr_get_payload(ip[CTA_IP_V6_SRC]));
    else
        return false;
    return true;
}

static bool is_source(const struct doomed *d, struct net_addr addr)
{
    size_t lo = 0, hi = d->n_sources;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = net_addr_compare(d->sources[mid], addr);
        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

static void copy_attr(struct nlmsghdr *m, const struct nlattr *a)
{
    if (a)
        mnl_attr_put(m, a->nla_type, mnl_attr_get_payload_len(a), mnl_attr_get_payload(a));
}

static int on_flow(const struct nlmsghdr *m, void *arg)
{
    struct doomed *d = arg;
    const struct nlattr *a[CTA_MAX + 1];
    struct net_addr source;
    nl_message_attrs(m, a, CTA_MAX);
    if (!get_source(a[CTA_TUPLE_ORIG], &source) || !is_source(d, source))
        return MNL_CB_OK;
    const struct nfgenmsg *g = mnl_nlmsg_get_payload(m);
    buf_reserve(&d->requests, NL_ROOM);
    struct nlmsghdr *del = nl_request(d->nl, d->requests.data + d->requests.len, NFNL_SUBSYS_CTNETLINK,
                                      IPCTNL_MSG_CT_DELETE, g->nfgen_family, NLM_F_ACK);
    copy_attr(del, a[CTA_TUPLE_ORIG]);
    copy_attr(del, a[CTA_ZONE]);
    copy_attr(del, a[CTA_ID]);
    d->requests.len += MNL_ALIGN(del->nlmsg_len);
    return MNL_CB_OK;
}

/* Entries seen twice because the dump began again are answered with ENOENT the second time, as those that ended. */
static int delete_all(struct doomed *d)
{
    for (size_t at = 0; at < d->requests.len;) {
        struct nlmsghdr *m = (void *)(d->requests.data + at);
        at += MNL_ALIGN(m->nlmsg_len);
        int r = nl_query(d->nl, m, NULL, keep, NULL);
        if (r && r != -ENOENT)
            return r;
    }
    return 0;
}

int flows_forget(struct nl *nl, const struct net_addr *sources, size_t n_sources)
{
    struct doomed d = {.nl = nl, .sources = sources, .n_sources = n_sources};
    int r = dump(nl, on_flow, keep, &d);
    if (r == 0)
        r = delete_all(&d);
    buf_done(&d.requests);
    return r;
}
