/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nft/netlink.h"
#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { TIMEOUT_S = 10, ANSWER_MAX = 64 * 1024, SEND_BUFFER = 64 << 20, RESTARTS = 20 };

int nl_open(struct nl *nl)
{
    nl->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!nl->socket)
        return -errno;
    int fd = mnl_socket_get_fd(nl->socket);
    /* A batch is one message to the socket: it must fit whole. */
    int size = SEND_BUFFER;
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    if (mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout))) {
        int r = -errno;
        nl_close(nl);
        return r;
    }
    nl->port = mnl_socket_get_portid(nl->socket);
    return 0;
}

void nl_close(struct nl *nl)
{
    if (nl->socket)
        mnl_socket_close(nl->socket);
    nl->socket = NULL;
}

/* After an error nobody knows which answers are still to come: a new socket has none. */
static void reopen(struct nl *nl)
{
    nl_close(nl);
    if (nl_open(nl))
        nl->socket = NULL; /* the next operation says -ENOTCONN */
}

static struct nlmsghdr *put(struct nl_batch *b, unsigned type, unsigned flags, unsigned family, unsigned res_id)
{
    if (b->data.len > 0)
        b->data.len = b->last + MNL_ALIGN(nl_batch_last(b)->nlmsg_len);
    b->last = b->data.len;
    buf_reserve(&b->data, NL_ROOM);
    struct nlmsghdr *m = mnl_nlmsg_put_header(b->data.data + b->last);
    m->nlmsg_type = (uint16_t)type;
    m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    m->nlmsg_seq = ++b->nl->seq;
    struct nfgenmsg *g = mnl_nlmsg_put_extra_header(m, sizeof(*g));
    g->nfgen_family = (uint8_t)family;
    g->version = NFNETLINK_V0;
    g->res_id = htons((uint16_t)res_id);
    b->data.len = b->last + m->nlmsg_len;
    return m;
}

void nl_batch_begin(struct nl_batch *b, struct nl *nl)
{
    *b = (struct nl_batch){.nl = nl};
    b->first_seq = nl->seq + 1;
    put(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

void nl_batch_done(struct nl_batch *b)
{
    buf_done(&b->data);
}

struct nlmsghdr *nl_batch_put(struct nl_batch *b, unsigned type, unsigned flags)
{
    b->n_messages++;
    return put(b, NFNL_SUBSYS_NFTABLES << 8 | type, flags, NFPROTO_INET, 0);
}

struct nlmsghdr *nl_batch_last(struct nl_batch *b)
{
    struct nlmsghdr *m = (void *)(b->data.data + b->last);
    b->data.len = b->last + m->nlmsg_len;
    buf_reserve(&b->data, NL_ROOM);
    return (void *)(b->data.data + b->last);
}

/* Failures are answered one by one, in order, before the acknowledgement of the last message. */
static int collect(struct nl *nl, uint32_t first_seq, uint32_t last_seq, size_t *failed)
{
    char answer[ANSWER_MAX];
    int result = 0;
    for (;;) {
        ssize_t n = mnl_socket_recvfrom(nl->socket, answer, sizeof(answer));
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        int left = (int)n;
        for (struct nlmsghdr *m = (void *)answer; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
            if (m->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(m) < sizeof(struct nlmsgerr))
                continue;
            const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
            if (e->error && result == 0) {
                result = e->error;
                if (failed)
                    *failed = m->nlmsg_seq - first_seq - 1;
            }
            /* The batch as a whole may be refused at its first message: then nothing else follows. */
            if (m->nlmsg_seq == last_seq || m->nlmsg_seq == first_seq)
                return result;
        }
    }
}

int nl_batch_commit(struct nl_batch *b, size_t *failed)
{
    if (b->n_messages == 0)
        return 0;
    if (!b->nl->socket)
        return -ENOTCONN;
    uint32_t last_seq = b->nl->seq;
    nl_batch_last(b)->nlmsg_flags |= NLM_F_ACK;
    put(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    int r = mnl_socket_sendto(b->nl->socket, b->data.data, b->data.len) < 0 ? -errno : 0;
    if (r == 0)
        r = collect(b->nl, b->first_seq, last_seq, failed);
    if (r)
        reopen(b->nl);
    return r;
}

struct nlmsghdr *nl_request(struct nl *nl, char *buf, unsigned subsys, unsigned type, unsigned family, unsigned flags)
{
    struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
    m->nlmsg_type = (uint16_t)(subsys << 8 | type);
    m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    struct nfgenmsg *g = mnl_nlmsg_put_extra_header(m, sizeof(*g));
    g->nfgen_family = (uint8_t)family;
    g->version = NFNETLINK_V0;
    return m;
}

static int query_once(struct nl *nl, struct nlmsghdr *request, mnl_cb_t each, void *arg)
{
    char answer[ANSWER_MAX];
    if (!nl->socket)
        return -ENOTCONN;
    request->nlmsg_seq = ++nl->seq;
    if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
        return -errno;
    for (;;) {
        ssize_t n = mnl_socket_recvfrom(nl->socket, answer, sizeof(answer));
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        errno = 0;
        int r = mnl_cb_run(answer, (size_t)n, request->nlmsg_seq, nl->port, each, arg);
        if (r < 0)
            return errno ? -errno : -EPROTO;
        if (r == MNL_CB_STOP)
            return 0;
    }
}

int nl_query(struct nl *nl, struct nlmsghdr *request, mnl_cb_t each, void (*restart)(void *arg), void *arg)
{
    int r = -EINTR;
    for (int i = 0; i < RESTARTS && r == -EINTR; i++) {
        restart(arg);
        r = query_once(nl, request, each, arg);
        if (r)
            reopen(nl);
    }
    return r;
}

static void note(const struct nlattr *a, const struct nlattr **table, unsigned max)
{
    if (mnl_attr_get_type(a) <= max)
        table[mnl_attr_get_type(a)] = a;
}

void nl_attrs(const struct nlattr *nest, const struct nlattr **table, unsigned max)
{
    const struct nlattr *a;
    memset(table, 0, (max + 1) * sizeof(*table));
    if (nest)
        mnl_attr_for_each_nested(a, nest) note(a, table, max);
}

void nl_message_attrs(const struct nlmsghdr *message, const struct nlattr **table, unsigned max)
{
    const struct nlattr *a;
    memset(table, 0, (max + 1) * sizeof(*table));
    mnl_attr_for_each(a, message, sizeof(struct nfgenmsg)) note(a, table, max);
}

void nl_put_be32(struct nlmsghdr *m, unsigned type, uint32_t v)
{
    mnl_attr_put_u32(m, (uint16_t)type, htonl(v));
}

void nl_put_be64(struct nlmsghdr *m, unsigned type, uint64_t v)
{
    mnl_attr_put_u64(m, (uint16_t)type, htobe64(v));
}

uint32_t nl_be32(const struct nlattr *a)
{
    return a && mnl_attr_get_payload_len(a) >= sizeof(uint32_t) ? ntohl(mnl_attr_get_u32(a)) : 0;
}

uint64_t nl_be64(const struct nlattr *a)
{
    return a && mnl_attr_get_payload_len(a) >= sizeof(uint64_t) ? be64toh(mnl_attr_get_u64(a)) : 0;
}
