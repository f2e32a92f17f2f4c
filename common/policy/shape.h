/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The (protocol, port) plane above one address: cut into cells that the same set of resources covers. Sets are
 * interned, so that equal sets have equal numbers across all addresses of a partition.
 */
#pragma once
#include "base/buf.h"
#include "base/map.h"
#include "policy/partition.h"

struct shape_cell {
    uint16_t protocol_first, protocol_last, port_first, port_last;
    uint32_t set; /* no padding anywhere: cells are interned as bytes */
};

/* Distinct byte strings numbered from 0 in order of arrival. */
struct interner {
    struct map numbers; /* bytes -> number + 1 */
    struct buf pool;    /* all bytes, one after the other */
    struct buf offsets; /* size_t start of each */
};

void interner_done(struct interner *in);
uint32_t interner_add(struct interner *in, const void *p, size_t n);
size_t interner_count(const struct interner *in);
const void *interner_get(const struct interner *in, uint32_t number, size_t *n);

/* Appends the cells (struct shape_cell, sorted, disjoint) that the covers cut; sets hold sorted uint32_t resources. */
void shape_cut(const struct policy_cover *const *covers, size_t n, struct interner *sets, struct buf *cells);

/* Appends the cells of one set among sorted cells, in the one form that depends on nothing but their points; the
 * number of the set is not part of it (0). */
void shape_of_set(const struct shape_cell *cells, size_t n, uint32_t set, struct buf *out);
