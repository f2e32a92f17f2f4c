/* SPDX-License-Identifier: Apache-2.0 */
/* Which class has which mark: content decides, so that the kernel's map is all the memory that is needed. Pure. Private to
 * gateway/nft. */
#pragma once
#include "base/buf.h"
#include "gateway/nft/nft.h"

/* Our marks carry a tag, so that those which others put on flows are not taken for ours. */
enum { MARK_TAG = 0x50000000, MARK_LAST = 0x5fffffff };

bool mark_is_ours(uint32_t mark);

struct class_box {
    uint32_t mark;
    struct nft_box box;
};

/* Boxes of all classes, sorted by mark, then by box. */
struct class_table {
    struct class_box *boxes;
    size_t n_boxes;
};

void class_table_done(struct class_table *t);
void class_table_add(struct class_table *t, uint32_t mark, const struct nft_box *box);
void class_table_sort(struct class_table *t);
bool class_table_has(const struct class_table *t, uint32_t mark);
/* Gives each class the mark that its content has in `now`, or the next one above *high (which moves); fills next (sorted).
 * Returns 0 or -ENOSPC. A class without boxes gets a mark as well, which nothing carries. */
int classes_assign(const struct class_table *now, struct nft_class *classes, size_t n, uint32_t *high,
                   struct class_table *next) MUSTCHECK;
