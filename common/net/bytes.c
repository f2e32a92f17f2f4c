/* SPDX-License-Identifier: Apache-2.0 */
#include "net/bytes.h"

struct byte_reader reader_of(const void *p, size_t n)
{
    return (struct byte_reader){p, n, false};
}

const uint8_t *reader_bytes(struct byte_reader *r, size_t n)
{
    if (r->bad || n > r->left) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->left ? r->p : (const uint8_t *)"";
    r->p = n ? r->p + n : r->p;
    r->left -= n;
    return p;
}

static uint64_t read_number(struct byte_reader *r, size_t n)
{
    const uint8_t *p = reader_bytes(r, n);
    uint64_t v = 0;
    for (size_t i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t reader_u8(struct byte_reader *r)
{
    return (uint8_t)read_number(r, 1);
}

uint16_t reader_u16(struct byte_reader *r)
{
    return (uint16_t)read_number(r, 2);
}

uint32_t reader_u32(struct byte_reader *r)
{
    return (uint32_t)read_number(r, 4);
}

uint64_t reader_u64(struct byte_reader *r)
{
    return read_number(r, 8);
}

void reader_copy(struct byte_reader *r, void *out, size_t n)
{
    const uint8_t *p = reader_bytes(r, n);
    if (p)
        memcpy(out, p, n);
    else
        memset(out, 0, n);
}

const uint8_t *reader_field(struct byte_reader *r, size_t max, size_t *n)
{
    size_t len = reader_u32(r);
    if (len > max)
        r->bad = true;
    const uint8_t *p = reader_bytes(r, len);
    *n = p ? len : 0;
    return p;
}

void reader_field_exact(struct byte_reader *r, void *out, size_t n)
{
    if (reader_u32(r) != n)
        r->bad = true;
    reader_copy(r, out, n);
}

void reader_field_text(struct byte_reader *r, char *out, size_t cap)
{
    size_t n;
    const uint8_t *p = reader_field(r, cap - 1, &n);
    if (p && memchr(p, 0, n)) {
        r->bad = true;
        p = NULL;
    }
    if (p)
        memcpy(out, p, n);
    out[p ? n : 0] = '\0';
}

bool reader_finished(const struct byte_reader *r)
{
    return !r->bad && r->left == 0;
}

struct byte_writer writer_of(void *p, size_t cap)
{
    return (struct byte_writer){p, cap, 0, false};
}

void writer_bytes(struct byte_writer *w, const void *p, size_t n)
{
    if (w->bad || n > w->cap - w->len) {
        w->bad = true;
        return;
    }
    if (n)
        memcpy(w->p + w->len, p, n);
    w->len += n;
}

static void write_number(struct byte_writer *w, uint64_t v, size_t n)
{
    uint8_t b[8];
    for (size_t i = n; i-- > 0; v >>= 8)
        b[i] = (uint8_t)(v & 0xff);
    writer_bytes(w, b, n);
}

void writer_u8(struct byte_writer *w, uint8_t v)
{
    write_number(w, v, 1);
}

void writer_u16(struct byte_writer *w, uint16_t v)
{
    write_number(w, v, 2);
}

void writer_u32(struct byte_writer *w, uint32_t v)
{
    write_number(w, v, 4);
}

void writer_u64(struct byte_writer *w, uint64_t v)
{
    write_number(w, v, 8);
}

void writer_field(struct byte_writer *w, const void *p, size_t n)
{
    if (n > UINT32_MAX)
        w->bad = true;
    writer_u32(w, (uint32_t)n);
    writer_bytes(w, p, n);
}

void writer_field_text(struct byte_writer *w, const char *s)
{
    writer_field(w, s, strlen(s));
}
