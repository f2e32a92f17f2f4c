/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes and the few macros that every file may use. */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MUSTCHECK         __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define CLEANUP(fn)       __attribute__((cleanup(fn)))

#define ARRAY_LEN(a)                    (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                       ((a) < (b) ? (a) : (b))
#define MAX(a, b)                       ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline bool str_eq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* free() through a pointer, for CLEANUP(free_ptr). */
static inline void free_ptr(void *p)
{
    free(*(void **)p);
}
