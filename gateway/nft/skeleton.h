/* SPDX-License-Identifier: Apache-2.0 */
/* The table, its sets and its rules: everything that does not change while a gateway runs. Private to gateway/nft. */
#pragma once
#include "gateway/nft/netlink.h"

/* Names inside the table. Pointers are compared: use these, not copies. */
extern const char skeleton_res4[], skeleton_res6[], skeleton_grants4[], skeleton_grants6[], skeleton_denied4[],
    skeleton_denied6[], skeleton_marks[], skeleton_refused[];

/* Whether the table in the kernel is ours, of this version and for this tunnel: 1, 0, or -errno. *there: whether a table
 * of that name is there at all. */
int skeleton_find(struct nl *nl, const char *table, const char *tunnel, bool *there) MUSTCHECK;
/* A number that changes when any rule of the table does; 0 without rules. */
int skeleton_rules(struct nl *nl, const char *table, uint64_t *out) MUSTCHECK;
/* Messages that make it; put a removal before them when it is there. */
void skeleton_create(struct nl_batch *b, const char *table, const char *tunnel);
void skeleton_remove(struct nl_batch *b, const char *table);
