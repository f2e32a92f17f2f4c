/* SPDX-License-Identifier: Apache-2.0 */
/* Strict number parsing and bounded copies for C strings. */
#pragma once
#include "base/defs.h"

/* Decimal digits only, no sign, no spaces, value in [lo, hi]; returns 0 or -EINVAL. */
int parse_u64(const char *s, uint64_t lo, uint64_t hi, uint64_t *out) MUSTCHECK;
int parse_i64(const char *s, int64_t lo, int64_t hi, int64_t *out) MUSTCHECK; /* a leading '-' is allowed */
/* Copies with truncation, always terminates; returns false when it was cut. */
bool str_copy(char *dst, size_t cap, const char *src);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* malloc'd copy, aborts on OOM. NULL stays NULL. */
char *str_dup(const char *s) MUSTCHECK;
/* calloc that aborts on OOM. */
void *xalloc(size_t n) MUSTCHECK;
/* Time does not depend on where the bytes differ. */
bool bytes_eq_ct(const void *a, const void *b, size_t n);
