/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for secrets: locked, fenced by guard pages, out of core dumps, wiped when freed. Whoever holds a
 * struct secret owns its bytes and calls secret_done().
 */
#pragma once
#include "base/defs.h"

struct secret {
    uint8_t *p;
    size_t len;
};

#define SECRET_AUTO CLEANUP(secret_done) struct secret

/* Zeroed bytes; aborts without memory. n = 0 is allowed. */
struct secret secret_new(size_t n) MUSTCHECK;
struct secret secret_copy(const void *p, size_t n) MUSTCHECK;
void secret_done(struct secret *s);
/* From now on no core dump shows the memory of this process, and nobody else of its user may look into it. To be called
 * by every process that holds keys, after it has become its user. 0 or -errno. */
int secret_no_dumps(void) MUSTCHECK;
/* Wipes memory on the stack or heap in a way that the compiler keeps. */
void secret_wipe(void *p, size_t n);
