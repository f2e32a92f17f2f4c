/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds-checked reader and writer of big-endian binary fields over memory that the caller owns. The first
 * thing that does not fit sets `bad`; everything after that reads zero or writes nothing, so callers check
 * once at the end.
 */
#pragma once
#include "base/defs.h"

struct byte_reader {
    const uint8_t *p;
    size_t left;
    bool bad;
};

struct byte_reader reader_of(const void *p, size_t n);
uint8_t reader_u8(struct byte_reader *r);
uint16_t reader_u16(struct byte_reader *r);
uint32_t reader_u32(struct byte_reader *r);
uint64_t reader_u64(struct byte_reader *r);
/* The next n bytes in place; NULL when there are fewer (n = 0 gives a valid pointer). */
const uint8_t *reader_bytes(struct byte_reader *r, size_t n);
/* Copies exactly n bytes; zeroes `out` when there are fewer. */
void reader_copy(struct byte_reader *r, void *out, size_t n);
/* A field with its u32 length in front, at most max bytes long, in place; NULL when bad. */
const uint8_t *reader_field(struct byte_reader *r, size_t max, size_t *n);
/* A field that must hold exactly n bytes. */
void reader_field_exact(struct byte_reader *r, void *out, size_t n);
/* A field as text without NUL inside, copied into out[cap]; "" when bad. */
void reader_field_text(struct byte_reader *r, char *out, size_t cap);
/* True when everything was read and nothing was bad. */
bool reader_finished(const struct byte_reader *r);

struct byte_writer {
    uint8_t *p;
    size_t cap, len;
    bool bad;
};

struct byte_writer writer_of(void *p, size_t cap);
void writer_u8(struct byte_writer *w, uint8_t v);
void writer_u16(struct byte_writer *w, uint16_t v);
void writer_u32(struct byte_writer *w, uint32_t v);
void writer_u64(struct byte_writer *w, uint64_t v);
void writer_bytes(struct byte_writer *w, const void *p, size_t n);
/* u32 length and the bytes. */
void writer_field(struct byte_writer *w, const void *p, size_t n);
void writer_field_text(struct byte_writer *w, const char *s);
