/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes of a site: what its resources' boxes cut the space of (address, protocol, port) into. A class is the set of
 * points that the same resources cover; classes are disjoint, and each is given as disjoint boxes whose addresses are
 * prefixes, as nftables interval maps take them. The id is a hash of the class's points alone, whatever the order
 * and the shape of the boxes that led to it. A partition is immutable and owns all that it points to.
 */
#pragma once
#include "net/addr.h"

/* Protocols are IP protocol numbers; protocols without ports have ports 0..65535. */
struct policy_box {
    struct net_prefix prefix;
    uint8_t protocol_first, protocol_last;
    uint16_t port_first, port_last;
};

/* A box of one resource; resources are small numbers that the caller gives. */
struct policy_cover {
    struct policy_box box;
    uint32_t resource;
};

enum { POLICY_CLASS_ID_LEN = sizeof("cls_") + 32 };

struct policy_class {
    char id[POLICY_CLASS_ID_LEN]; /* "cls_" and 32 hex digits */
    const uint32_t *resources;    /* sorted, at least one */
    size_t n_resources;
    const struct policy_box *boxes; /* sorted, disjoint */
    size_t n_boxes;
};

struct policy_partition {
    const struct policy_class *classes;
    size_t n_classes;
    struct partition_index *index;
};

/* SHA-256; passed in, because nothing here may depend on a library of cryptography. */
typedef void policy_hash(const void *p, size_t n, uint8_t out[static 32]);

struct policy_partition *policy_partition_new(const struct policy_cover *covers, size_t n, policy_hash *hash) MUSTCHECK;
void policy_partition_free(struct policy_partition *p);
/* The class that holds the point, or NULL. */
const struct policy_class *policy_partition_find(const struct policy_partition *p, struct net_addr address,
                                                 uint8_t protocol, uint16_t port);
