/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Text form of PostgreSQL's one-dimensional text[] (manual, section 8.15.6), without NULL elements. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

void array_format(const char *const *v, size_t n, struct buf *out);
/* 0, -EINVAL or -ENOMEM; strings and list lie in the arena. */
int array_parse(const char *s, struct arena *a, const char ***v, size_t *n) MUSTCHECK;
