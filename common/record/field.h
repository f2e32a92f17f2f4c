/* SPDX-License-Identifier: Apache-2.0 */
/* Access to the members of a record through its table; inside common/record only. */
#pragma once
#include "record/record.h"

static inline const void *field_at(const struct rec_field *f, const void *in)
{
    return (const char *)in + f->off;
}

static inline size_t field_count(const struct rec_field *f, const void *in)
{
    return *(const size_t *)(const void *)((const char *)in + f->off_count);
}

static inline const char *field_str(const struct rec_field *f, const void *in)
{
    return *(const char *const *)field_at(f, in);
}

static inline int64_t field_int(const struct rec_field *f, const void *in)
{
    return *(const int64_t *)field_at(f, in);
}

static inline const struct rec_bytes *field_bytes(const struct rec_field *f, const void *in)
{
    return field_at(f, in);
}

/* The items of a LIST or the object of an OBJ. */
static inline const char *field_objects(const struct rec_field *f, const void *in)
{
    return *(const char *const *)field_at(f, in);
}

static inline const char *const *field_strs(const struct rec_field *f, const void *in)
{
    return *(const char *const *const *)field_at(f, in);
}

/* Bounds of an INT: lo..hi, or all exact integers when the list gives none. */
static inline int64_t field_lo(const struct rec_field *f)
{
    return !f->lo && !f->hi ? -REC_INT_MAX : f->lo;
}

static inline int64_t field_hi(const struct rec_field *f)
{
    return !f->lo && !f->hi ? REC_INT_MAX : f->hi;
}

static inline bool field_zero_is_absent(const struct rec_field *f)
{
    return field_lo(f) > 0 || field_hi(f) < 0;
}
