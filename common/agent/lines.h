/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a byte stream into lines of bounded length. The reader owns what is not yet a whole line. */
#pragma once
#include "base/buf.h"

struct lines {
    struct buf part;
    size_t max;
};

void lines_init(struct lines *l, size_t max);
void lines_done(struct lines *l);
void lines_reset(struct lines *l);
/* Calls on_line for each whole line, without its newline; empty lines are skipped. When on_line returns non-zero the
 * rest is dropped and that is returned. -EMSGSIZE when a line is too long. on_line must not touch the reader. */
int lines_feed(struct lines *l, const char *p, size_t n, int (*on_line)(void *arg, const char *line, size_t len),
               void *arg) MUSTCHECK;
