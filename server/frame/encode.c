/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/frame/layout.h"

static void put_tlv(struct buf *out, uint8_t tag, const void *p, size_t n)
{
    uint8_t head[TLV_HEADER_LEN] = {tag};
    put_be(head + 1, 4, n);
    buf_append(out, head, sizeof(head));
    buf_append(out, p, n);
}

static int put_number(struct buf *out, const struct tlv *t, uint16_t v)
{
    uint8_t bytes[2];
    if (v < t->lo || v > t->hi)
        return -EINVAL;
    put_be(bytes, sizeof(bytes), v);
    put_tlv(out, t->tag, bytes, sizeof(bytes));
    return 0;
}

static int put_text(struct buf *out, const struct tlv *t, const char *s)
{
    if (!s)
        return t->required ? -EINVAL : 0;
    size_t n = strlen(s);
    if (n < t->lo || n > t->hi || !t->ok(s))
        return -EINVAL;
    put_tlv(out, t->tag, s, n);
    return 0;
}

static int put_bytes(struct buf *out, const struct tlv *t, const struct frame_bytes *b)
{
    if (!b->data)
        return t->required || b->len ? -EINVAL : 0;
    if (b->len < t->lo || b->len > t->hi)
        return -EINVAL;
    put_tlv(out, t->tag, b->data, b->len);
    return 0;
}

static int put_fields(struct buf *out, const struct tlv *t, const struct frame_fields *fields)
{
    if (fields->n > FRAME_FIELDS_MAX)
        return -EINVAL;
    for (size_t i = 0; i < fields->n; i++) {
        const struct frame_field *f = &fields->items[i];
        size_t n_name = strlen(f->name), n_value = strlen(f->value);
        if (n_name > FRAME_VALUE_MAX || n_value > t->hi || !frame_field_ok(f->name, f->value))
            return -EINVAL;
        uint8_t head[TLV_HEADER_LEN] = {t->tag};
        put_be(head + 1, 4, n_name + 1 + n_value);
        buf_append(out, head, sizeof(head));
        buf_append(out, f->name, n_name + 1);
        buf_append(out, f->value, n_value);
    }
    return 0;
}

static int put_member(struct buf *out, const struct tlv *t, const struct frame *f)
{
    const void *member = (const char *)f + t->off;
    switch (t->kind) {
    case TLV_NUMBER:
        return put_number(out, t, *(const uint16_t *)member);
    case TLV_TEXT:
        return put_text(out, t, *(const char *const *)member);
    case TLV_BYTES:
        return put_bytes(out, t, member);
    case TLV_FIELDS:
        return put_fields(out, t, member);
    }
    return -EINVAL;
}

int frame_encode(struct buf *out, const struct frame *f)
{
    const struct frame_layout *layout = frame_layout(f->type);
    size_t start = out->len;
    if (!layout || (f->stream == 0) != (f->type == FRAME_HELLO))
        return -EINVAL;
    uint8_t head[FRAME_HEADER_LEN] = {0};
    buf_append(out, head, sizeof(head));
    int r = 0;
    for (size_t i = 0; i < layout->n_tlvs && !r; i++)
        r = put_member(out, &layout->tlvs[i], f);
    size_t len = out->len - start - sizeof(head);
    if (r || len > FRAME_PAYLOAD_MAX) {
        out->len = start;
        out->data[start] = '\0';
        return -EINVAL;
    }
    put_be(head, 4, len);
    head[4] = (uint8_t)f->type;
    put_be(head + 8, 8, f->stream);
    memcpy(out->data + start, head, sizeof(head));
    return 0;
}
