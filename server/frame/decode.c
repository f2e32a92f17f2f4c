/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/frame/layout.h"

void frame_reader_init(struct frame_reader *r, enum frame_side from)
{
    *r = (struct frame_reader){.from = from};
}

void frame_reader_done(struct frame_reader *r)
{
    buf_done(&r->in);
    r->at = 0;
}

void frame_reader_feed(struct frame_reader *r, const void *p, size_t n)
{
    if (r->broken)
        return;
    buf_consume(&r->in, r->at);
    r->at = 0;
    buf_append(&r->in, p, n);
}

/* What is left of a payload. */
struct cursor {
    const uint8_t *p, *end;
};

struct slice {
    const uint8_t *p;
    size_t len;
};

/* Takes the next TLV when it has this tag: 1, 0 when another one or none follows, -EPROTO when it is cut
 * short. */
static int take(struct cursor *c, uint8_t tag, struct slice *out)
{
    size_t left = (size_t)(c->end - c->p);
    if (left == 0 || c->p[0] != tag)
        return 0;
    if (left < TLV_HEADER_LEN)
        return -EPROTO;
    uint64_t len = get_be(c->p + 1, 4);
    if (len > left - TLV_HEADER_LEN)
        return -EPROTO;
    *out = (struct slice){c->p + TLV_HEADER_LEN, (size_t)len};
    c->p += TLV_HEADER_LEN + len;
    return 1;
}

static int get_number(const struct tlv *t, const struct slice *in, uint16_t *out)
{
    if (in->len != 2)
        return -EPROTO;
    uint64_t v = get_be(in->p, 2);
    if (v < t->lo || v > t->hi)
        return -EPROTO;
    *out = (uint16_t)v;
    return 0;
}

static int get_text(const struct tlv *t, const struct slice *in, struct arena *a, const char **out)
{
    if (in->len < t->lo || in->len > t->hi || memchr(in->p, 0, in->len))
        return -EPROTO;
    *out = arena_strndup(a, (const char *)in->p, in->len);
    if (!*out)
        return -ENOMEM;
    return t->ok(*out) ? 0 : -EPROTO;
}

static int get_bytes(const struct tlv *t, const struct slice *in, struct arena *a, struct frame_bytes *out)
{
    if (in->len < t->lo || in->len > t->hi)
        return -EPROTO;
    *out = (struct frame_bytes){arena_memdup(a, in->p, in->len), in->len};
    return out->data ? 0 : -ENOMEM;
}

/* A header is its name, a NUL and its value. */
static int get_field(const struct tlv *t, const struct slice *in, struct arena *a, struct frame_field *out)
{
    const uint8_t *nul = memchr(in->p, 0, in->len);
    if (!nul)
        return -EPROTO;
    size_t n_name = (size_t)(nul - in->p), n_value = in->len - n_name - 1;
    if (n_name > FRAME_VALUE_MAX || n_value > t->hi || memchr(nul + 1, 0, n_value))
        return -EPROTO;
    out->name = arena_strndup(a, (const char *)in->p, n_name);
    out->value = arena_strndup(a, (const char *)nul + 1, n_value);
    if (!out->name || !out->value)
        return -ENOMEM;
    return frame_field_ok(out->name, out->value) ? 0 : -EPROTO;
}

static int get_fields(const struct tlv *t, struct cursor *c, struct arena *a, struct frame_fields *out)
{
    struct cursor ahead = *c;
    struct slice in;
    size_t n = 0, i = 0;
    int r;
    while ((r = take(&ahead, t->tag, &in)) == 1)
        n++;
    if (r < 0 || n > FRAME_FIELDS_MAX)
        return -EPROTO;
    struct frame_field *items = n ? arena_array(a, n, sizeof(*items)) : NULL;
    if (n && !items)
        return -ENOMEM;
    while ((r = take(c, t->tag, &in)) == 1)
        if ((r = get_field(t, &in, a, &items[i++])))
            return r;
    *out = (struct frame_fields){items, n};
    return r;
}

static int get_member(const struct tlv *t, struct cursor *c, struct arena *a, struct frame *f)
{
    void *member = (char *)f + t->off;
    struct slice in;
    if (t->kind == TLV_FIELDS)
        return get_fields(t, c, a, member);
    int r = take(c, t->tag, &in);
    if (r == 0)
        return t->required ? -EPROTO : 0;
    if (r < 0)
        return r;
    switch (t->kind) {
    case TLV_NUMBER:
        return get_number(t, &in, member);
    case TLV_TEXT:
        return get_text(t, &in, a, member);
    case TLV_BYTES:
        return get_bytes(t, &in, a, member);
    case TLV_FIELDS:
        break;
    }
    return -EPROTO;
}

/* Unknown, repeated and misplaced tags are all the same here: bytes that the layout did not take. */
static int decode_payload(const struct frame_layout *layout, const uint8_t *p, size_t n, struct arena *a,
                          struct frame *f)
{
    struct cursor c = {p, p + n};
    for (size_t i = 0; i < layout->n_tlvs; i++) {
        int r = get_member(&layout->tlvs[i], &c, a, f);
        if (r)
            return r;
    }
    return c.p == c.end ? 0 : -EPROTO;
}

/* Checks the fixed header at p; returns its layout or NULL. */
static const struct frame_layout *decode_header(const uint8_t *p, enum frame_side from, struct frame *f, size_t *len)
{
    const struct frame_layout *layout = frame_layout((enum frame_type)p[4]);
    *len = (size_t)get_be(p, 4);
    f->type = (enum frame_type)p[4];
    f->stream = get_be(p + 8, 8);
    if (!layout || layout->side != from || p[5] || p[6] || p[7] || *len > FRAME_PAYLOAD_MAX)
        return NULL;
    return (f->stream == 0) == (f->type == FRAME_HELLO) ? layout : NULL;
}

static int next(struct frame_reader *r, struct arena *a, struct frame *f)
{
    size_t left = r->in.len - r->at, len;
    *f = (struct frame){0};
    if (left < FRAME_HEADER_LEN)
        return 0;
    const uint8_t *p = (const uint8_t *)r->in.data + r->at;
    const struct frame_layout *layout = decode_header(p, r->from, f, &len);
    if (!layout)
        return -EPROTO;
    if (left - FRAME_HEADER_LEN < len)
        return 0;
    r->at += FRAME_HEADER_LEN + len;
    int err = decode_payload(layout, p + FRAME_HEADER_LEN, len, a, f);
    return err ? err : 1;
}

int frame_reader_next(struct frame_reader *r, struct arena *a, struct frame *f)
{
    int n = r->broken ? -EPROTO : next(r, a, f);
    if (n < 0) {
        r->broken = true;
        *f = (struct frame){0};
    }
    return n;
}
