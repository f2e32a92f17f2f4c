/* SPDX-License-Identifier: Apache-2.0 */
#include "client/kernel.h"
#include "base/buf.h"
#include "base/str.h"
#include "wireguard/device_net.h"
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/time.h>

enum { PATIENCE_S = 5, RESTARTS = 20 };

static struct mnl_socket *open_socket(void)
{
    struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    if (s && (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 ||
              setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))) {
        mnl_socket_close(s);
        s = NULL;
    }
    return s;
}

/* One question on a socket of its own: after an error nothing is left in the way of the next. */
static int ask(struct nlmsghdr *m, mnl_cb_t each, void *arg)
{
    char answer[32 * 1024];
    struct mnl_socket *s = open_socket();
    if (!s)
        return -errno;
    m->nlmsg_seq = 1;
    int r = mnl_socket_sendto(s, m, m->nlmsg_len) < 0 ? -1 : MNL_CB_OK;
    while (r == MNL_CB_OK) {
        ssize_t n = mnl_socket_recvfrom(s, answer, sizeof(answer));
        errno = n < 0 ? errno : 0;
        r = n < 0 ? -1 : mnl_cb_run(answer, (size_t)n, m->nlmsg_seq, mnl_socket_get_portid(s), each, arg);
    }
    int error = errno ? errno : EPROTO;
    mnl_socket_close(s);
    return r < 0 ? -error : 0;
}

static int dump(int type, unsigned family, mnl_cb_t each, struct buf *out)
{
    char space[256];
    size_t keep = out->len;
    int r = -EINTR;
    for (int i = 0; i < RESTARTS && r == -EINTR; i++) {
        struct nlmsghdr *m = mnl_nlmsg_put_header(space);
        m->nlmsg_type = (uint16_t)type;
        m->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        /* All three begin with the family and are zero otherwise. */
        struct rtmsg *body = mnl_nlmsg_put_extra_header(m, sizeof(struct rtmsg));
        body->rtm_family = (unsigned char)family;
        out->len = keep;
        r = ask(m, each, out);
    }
    return r;
}

static struct net_addr get_addr(const struct nlattr *a)
{
    return mnl_attr_get_payload_len(a) == 4 ? net_addr_from_v4(mnl_attr_get_payload(a))
                                            : net_addr_from_v6(mnl_attr_get_payload(a));
}

static bool is_addr(const struct nlattr *a)
{
    return a && (mnl_attr_get_payload_len(a) == 4 || mnl_attr_get_payload_len(a) == 16);
}

static void attrs_of(const struct nlmsghdr *m, size_t body, const struct nlattr **table, unsigned max)
{
    const struct nlattr *a;
    memset(table, 0, (max + 1) * sizeof(*table));
    mnl_attr_for_each(a, m, body) if (mnl_attr_get_type(a) <= max) table[mnl_attr_get_type(a)] = a;
}

static int on_route(const struct nlmsghdr *m, void *arg)
{
    const struct rtmsg *rt = mnl_nlmsg_get_payload(m);
    const struct nlattr *a[RTA_MAX + 1];
    attrs_of(m, sizeof(*rt), a, RTA_MAX);
    uint32_t table = a[RTA_TABLE] ? mnl_attr_get_u32(a[RTA_TABLE]) : rt->rtm_table;
    if (table != RT_TABLE_MAIN || rt->rtm_type != RTN_UNICAST || (rt->rtm_flags & RTM_F_CLONED))
        return MNL_CB_OK;
    struct route r = {.protocol = rt->rtm_protocol, .interface = a[RTA_OIF] ? mnl_attr_get_u32(a[RTA_OIF]) : 0};
    unsigned wide = rt->rtm_family == AF_INET ? 32 : 128;
    if (is_addr(a[RTA_DST]))
        r.to = net_prefix_of(get_addr(a[RTA_DST]), 128 - wide + rt->rtm_dst_len);
    else if (rt->rtm_dst_len)
        return MNL_CB_OK;
    else
        r.to = net_prefix_of(rt->rtm_family == AF_INET ? net_addr_from_v4((const uint8_t[4]){0}) : (struct net_addr){0},
                             128 - wide);
    buf_append(arg, &r, sizeof(r));
    return MNL_CB_OK;
}

static int change_route(const struct route *r, bool add, const struct net_addr *source)
{
    char space[512];
    uint8_t bytes[16];
    bool v4 = net_prefix_is_v4(r->to);
    struct nlmsghdr *m = mnl_nlmsg_put_header(space);
    m->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
    /* EXCL: a route that somebody else has made meanwhile is not ours to replace. */
    m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
    struct rtmsg *rt = mnl_nlmsg_put_extra_header(m, sizeof(*rt));
    rt->rtm_family = v4 ? AF_INET : AF_INET6;
    rt->rtm_dst_len = (unsigned char)net_prefix_len(r->to);
    rt->rtm_table = RT_TABLE_MAIN;
    rt->rtm_protocol = r->protocol;
    /* NOWHERE: of any scope. */
    rt->rtm_scope = !add ? RT_SCOPE_NOWHERE : v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    rt->rtm_type = RTN_UNICAST;
    mnl_attr_put(m, RTA_DST, net_addr_bytes(r->to.addr, bytes), bytes);
    if (r->interface)
        mnl_attr_put_u32(m, RTA_OIF, r->interface);
    if (add && source)
        mnl_attr_put(m, RTA_PREFSRC, net_addr_bytes(*source, bytes), bytes);
    int result = ask(m, NULL, NULL);
    return !add && (result == -ESRCH || result == -ENODEV) ? 0 : result;
}

struct change {
    const struct kernel_wish *wish;
    void (*clash)(void *arg, const struct route *route);
    void *arg;
    int result;
};

static void on_step(void *arg, enum route_step step, const struct route *route)
{
    struct change *c = arg;
    if (step == ROUTE_CLASH) {
        c->clash(c->arg, route);
        return;
    }
    const struct net_addr *source = &c->wish->inner[net_prefix_is_v4(route->to) ? 0 : 1];
    int r = change_route(route, step == ROUTE_ADD, source);
    if (r && c->result == 0)
        c->result = r;
}

static int read_routes(struct buf *out)
{
    int r = dump(RTM_GETROUTE, AF_INET, on_route, out);
    return r ? r : dump(RTM_GETROUTE, AF_INET6, on_route, out);
}

struct address {
    uint32_t interface;
    struct net_prefix prefix;
    bool link_local;
};

static int on_address(const struct nlmsghdr *m, void *arg)
{
    const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(m);
    const struct nlattr *a[IFA_MAX + 1];
    attrs_of(m, sizeof(*ifa), a, IFA_MAX);
    const struct nlattr *local = a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS];
    if (!is_addr(local))
        return MNL_CB_OK;
    struct address out = {.interface = ifa->ifa_index, .link_local = ifa->ifa_scope == RT_SCOPE_LINK};
    unsigned wide = ifa->ifa_family == AF_INET ? 32 : 128;
    out.prefix = (struct net_prefix){.addr = get_addr(local), .bits = (uint8_t)(128 - wide + ifa->ifa_prefixlen)};
    buf_append(arg, &out, sizeof(out));
    return MNL_CB_OK;
}

static int set_addresses(const struct kernel_wish *w, uint32_t index)
{
    BUF_AUTO found = {0};
    int r = dump(RTM_GETADDR, AF_UNSPEC, on_address, &found);
    const struct address *a = (const void *)found.data;
    for (size_t i = 0; r == 0 && i < found.len / sizeof(*a); i++)
        if (a[i].interface == index && !a[i].link_local && !net_addr_eq(a[i].prefix.addr, w->inner[0]) &&
            !net_addr_eq(a[i].prefix.addr, w->inner[1]))
            r = device_address_remove(w->interface, a[i].prefix);
    for (size_t i = 0; r == 0 && i < 2; i++)
        r = device_address_add(w->interface, net_prefix_host(w->inner[i]));
    return r;
}

int kernel_apply(const struct kernel_wish *wish, void (*clash)(void *arg, const struct route *route), void *arg)
{
    BUF_AUTO found = {0};
    struct change c = {.wish = wish, .clash = clash, .arg = arg};
    uint32_t index = if_nametoindex(wish->interface);
    int r = index ? device_up(wish->interface, DEVICE_MTU) : -ENODEV;
    if (r == 0)
        r = set_addresses(wish, index);
    if (r == 0)
        r = read_routes(&found);
    if (r)
        return r;
    routes_diff((void *)found.data, found.len / sizeof(struct route), wish->routes, wish->n_routes, index,
                wish->endpoints, wish->n_endpoints, on_step, &c);
    return c.result;
}

static void no_clash(void *arg, const struct route *route)
{
}

int kernel_clear(void)
{
    BUF_AUTO found = {0};
    struct kernel_wish nothing = {0};
    struct change c = {.wish = &nothing, .clash = no_clash};
    int r = read_routes(&found);
    if (r)
        return r;
    routes_diff((void *)found.data, found.len / sizeof(struct route), NULL, 0, 0, NULL, 0, on_step, &c);
    return c.result;
}
