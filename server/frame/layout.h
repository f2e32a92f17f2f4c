/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The TLVs of each frame type as one table, which both the encoder and the decoder follow. Internal to
 * server/frame. */
#pragma once
#include "server/frame/frame.h"

enum tlv_kind { TLV_NUMBER, TLV_TEXT, TLV_BYTES, TLV_FIELDS };

struct tlv {
    uint8_t tag;
    enum tlv_kind kind;
    bool required;
    size_t off;                /* of the member in struct frame: uint16_t, const char *, frame_bytes or frame_fields */
    size_t lo, hi;             /* NUMBER: value; TEXT and BYTES: length; FIELDS: length of one value */
    bool (*ok)(const char *s); /* TEXT */
};

struct frame_layout {
    const char *name;
    enum frame_side side;
    size_t n_tlvs;
    const struct tlv *tlvs; /* in rising order of tags */
};

/* NULL for an unknown type. */
const struct frame_layout *frame_layout(enum frame_type type);
bool frame_field_ok(const char *name, const char *value);

static inline void put_be(uint8_t *p, size_t n, uint64_t v)
{
    for (size_t i = n; i-- > 0; v >>= 8)
        p[i] = (uint8_t)v;
}

static inline uint64_t get_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

enum { TLV_HEADER_LEN = 5 };
