/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink as nftables wants it: batches that take effect as a whole, single questions, and dumps that start again when the
 * kernel changed underneath. Blocking, bounded in time. Private to gateway/nft.
 */
#pragma once
#include "base/buf.h"
#include <libmnl/libmnl.h>

struct nl {
    struct mnl_socket *socket;
    uint32_t port, seq;
};

int nl_open(struct nl *nl) MUSTCHECK;
void nl_close(struct nl *nl);

/* Messages of one change. Attributes are put on the header that nl_batch_put() gave until the next call. */
struct nl_batch {
    struct nl *nl;
    struct buf data;
    size_t last; /* offset of the message that is open */
    size_t n_messages;
    uint32_t first_seq;
};

void nl_batch_begin(struct nl_batch *b, struct nl *nl);
void nl_batch_done(struct nl_batch *b);
/* A message (NFT_MSG_…) with room for NL_ROOM bytes of attributes. */
enum { NL_ROOM = 4096 };
struct nlmsghdr *nl_batch_put(struct nl_batch *b, unsigned type, unsigned flags);
/* The message that is open, with room for NL_ROOM more bytes: it may have moved. */
struct nlmsghdr *nl_batch_last(struct nl_batch *b);
/* Sends all; nothing to send is success. Returns 0 or the -errno of the first message that failed; *failed (may be NULL)
 * is its number, counted from 0. */
int nl_batch_commit(struct nl_batch *b, size_t *failed) MUSTCHECK;

/* A header with nfgenmsg in buf[NL_ROOM]; subsys NFNL_SUBSYS_…, family AF_… */
struct nlmsghdr *nl_request(struct nl *nl, char *buf, unsigned subsys, unsigned type, unsigned family, unsigned flags);
/* Sends the request and gives each answer to `each` (which returns MNL_CB_OK or MNL_CB_ERROR with errno); `restart` forgets
 * what was collected when the kernel's state changed during the dump. Returns 0 or -errno. */
int nl_query(struct nl *nl, struct nlmsghdr *request, mnl_cb_t each, void (*restart)(void *arg), void *arg) MUSTCHECK;

/* Attributes of one level into table[max + 1]. */
void nl_attrs(const struct nlattr *nest, const struct nlattr **table, unsigned max);
void nl_message_attrs(const struct nlmsghdr *message, const struct nlattr **table, unsigned max);
/* In network order, as nftables has them. */
void nl_put_be32(struct nlmsghdr *m, unsigned type, uint32_t v);
void nl_put_be64(struct nlmsghdr *m, unsigned type, uint64_t v);
uint32_t nl_be32(const struct nlattr *a); /* 0 when a is NULL or short */
uint64_t nl_be64(const struct nlattr *a);
