/* SPDX-License-Identifier: Apache-2.0 */
#include "wireguard/device_net.h"
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
    struct nlmsghdr head;
    union {
        struct ifinfomsg link;
        struct ifaddrmsg address;
        struct rtmsg route;
    } body;
    char attributes[128];
};

static void begin(struct request *r, int type, int flags, size_t body)
{
    *r = (struct request){.head = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(body),
                                   .nlmsg_type = (uint16_t)type,
                                   .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)}};
}

static void put(struct request *r, int type, const void *p, size_t n)
{
    size_t at = NLMSG_ALIGN(r->head.nlmsg_len);
    struct rtattr a = {.rta_len = (uint16_t)RTA_LENGTH(n), .rta_type = (uint16_t)type};
    if (at + RTA_SPACE(n) > sizeof(*r))
        abort(); /* the few attributes below always fit */
    memcpy((char *)r + at, &a, sizeof(a));
    memcpy((char *)r + at + RTA_LENGTH(0), p, n);
    r->head.nlmsg_len = (uint32_t)(at + RTA_LENGTH(n));
}

static int converse(int fd, const struct request *r)
{
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
        char more[512];
    } answer;
    if (send(fd, r, r->head.nlmsg_len, 0) < 0)
        return -errno;
    ssize_t n = recv(fd, &answer, sizeof(answer), 0);
    if (n < 0)
        return -errno;
    if ((size_t)n < sizeof(answer.head) + sizeof(answer.error) || answer.head.nlmsg_type != NLMSG_ERROR)
        return -EPROTO;
    return answer.error.error;
}

static int ask(const struct request *r)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    int result = converse(fd, r);
    close(fd);
    return result;
}

static int index_of(const char *interface, uint32_t *index)
{
    *index = if_nametoindex(interface);
    return *index ? 0 : -ENODEV;
}

int device_up(const char *interface, unsigned mtu)
{
    struct request r;
    uint32_t index;
    int result = index_of(interface, &index);
    if (result)
        return result;
    begin(&r, RTM_NEWLINK, 0, sizeof(r.body.link));
    r.body.link.ifi_index = (int)index;
    r.body.link.ifi_flags = IFF_UP;
    r.body.link.ifi_change = IFF_UP;
    put(&r, IFLA_MTU, &mtu, sizeof(mtu));
    return ask(&r);
}

static unsigned char family_of(struct net_addr a)
{
    return net_addr_is_v4(a) ? AF_INET : AF_INET6;
}

static int address_change(int type, int flags, const char *interface, struct net_prefix address)
{
    struct request r;
    uint8_t bytes[16];
    uint32_t index;
    int result = index_of(interface, &index);
    if (result)
        return result;
    begin(&r, type, flags, sizeof(r.body.address));
    r.body.address.ifa_family = family_of(address.addr);
    r.body.address.ifa_prefixlen = (unsigned char)net_prefix_len(address);
    r.body.address.ifa_flags = IFA_F_NODAD;
    r.body.address.ifa_index = index;
    size_t n = net_addr_bytes(address.addr, bytes);
    put(&r, IFA_LOCAL, bytes, n);
    put(&r, IFA_ADDRESS, bytes, n);
    return ask(&r);
}

int device_address_add(const char *interface, struct net_prefix address)
{
    return address_change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, interface, address);
}

int device_address_remove(const char *interface, struct net_prefix address)
{
    int r = address_change(RTM_DELADDR, 0, interface, address);
    return r == -EADDRNOTAVAIL || r == -ENODEV ? 0 : r;
}

static int route_change(int type, int flags, const char *interface, struct net_prefix to, const struct net_addr *source,
                        uint32_t table)
{
    struct request r;
    uint8_t bytes[16];
    uint32_t index;
    int result = index_of(interface, &index);
    if (result)
        return result;
    begin(&r, type, flags, sizeof(r.body.route));
    r.body.route.rtm_family = family_of(to.addr);
    r.body.route.rtm_dst_len = (unsigned char)net_prefix_len(to);
    r.body.route.rtm_table = RT_TABLE_UNSPEC;
    r.body.route.rtm_protocol = RTPROT_STATIC;
    r.body.route.rtm_scope = family_of(to.addr) == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    r.body.route.rtm_type = RTN_UNICAST;
    put(&r, RTA_DST, bytes, net_addr_bytes(to.addr, bytes));
    put(&r, RTA_OIF, &index, sizeof(index));
    put(&r, RTA_TABLE, &table, sizeof(table));
    if (source)
        put(&r, RTA_PREFSRC, bytes, net_addr_bytes(*source, bytes));
    return ask(&r);
}

int device_route_add(const char *interface, struct net_prefix to, const struct net_addr *source, uint32_t table)
{
    return route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, interface, to, source, table);
}

int device_route_remove(const char *interface, struct net_prefix to, uint32_t table)
{
    int r = route_change(RTM_DELROUTE, 0, interface, to, NULL, table);
    return r == -ESRCH || r == -ENODEV ? 0 : r;
}
