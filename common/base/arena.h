/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bump allocator for everything that lives as long as one request, event or snapshot. The caller sets the most
 * that it may hold; beyond that allocation returns NULL, so that a stranger's input cannot size our memory.
 * Memory is zeroed. Nothing is freed singly: arena_done() frees all.
 */
#pragma once
#include "base/defs.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used;  /* bytes handed out */
    size_t limit; /* most bytes that may be handed out */
};

void arena_init(struct arena *a, size_t limit);
void arena_done(struct arena *a);

/* Zeroed memory aligned for any type; NULL when the limit would be passed. n = 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t n) MUSTCHECK;
/* As arena_alloc(a, n * size) with the multiplication checked. */
void *arena_array(struct arena *a, size_t n, size_t size) MUSTCHECK;
char *arena_strdup(struct arena *a, const char *s) MUSTCHECK;
char *arena_strndup(struct arena *a, const char *s, size_t n) MUSTCHECK;
void *arena_memdup(struct arena *a, const void *p, size_t n) MUSTCHECK;
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUSTCHECK;
