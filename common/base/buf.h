/* SPDX-License-Identifier: Apache-2.0 */
/* Growable byte buffer. `data` is always NUL-terminated one byte past `len`, so text can be read as a C string. */
#pragma once
#include "base/defs.h"

struct buf {
    char *data; /* NULL only when nothing was ever appended */
    size_t len, cap;
};

#define BUF_AUTO CLEANUP(buf_done) struct buf

void buf_done(struct buf *b);  /* frees; the buffer may be used again */
void buf_reset(struct buf *b); /* len = 0, keeps the memory */
void buf_reserve(struct buf *b, size_t extra);
void buf_append(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drops the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);
/* Text of the buffer, "" when empty. Stays owned by the buffer. */
const char *buf_str(const struct buf *b);
/* Hands the malloc'd text to the caller; the buffer is empty afterwards. Never NULL. */
char *buf_take(struct buf *b) MUSTCHECK;
