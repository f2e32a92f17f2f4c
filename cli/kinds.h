/* SPDX-License-Identifier: Apache-2.0 */
/* What posternctl knows about each noun: one row. Nothing else in cli/ names a noun. */
#pragma once
#include "proto/nouns.h"

struct kind {
    const char *plural, *singular; /* as the REST path has them, and what people type */
    const char *prefix;            /* of its ids */
    const struct rec *rec;
    const char *name_field; /* what stands for its id on the command line, or NULL */
    const char *const *columns, *const *wide;
    const char *const *name_from; /* fields whose given values make a name when none is given, or NULL */
};

extern const struct kind kinds[]; /* ends with a row without plural */
extern const char *const kind_words[];

/* By plural, singular or NULL. */
const struct kind *kind_find(const char *word);
/* The kind that a field like site_id refers to, or NULL. */
const struct kind *kind_referred(const struct rec_field *f);
/* The value of a field of the record as text; "" when it is absent or there is no such field. Lives in `out`. */
const char *kind_text(const struct rec *r, const void *item, const char *field, struct buf *out);
