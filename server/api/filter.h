/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The `filter` parameter of lists. So far it takes one comparison for equality, `field = value` or
 * `field = "value"`; whatever else the full grammar will allow is refused by name, never ignored.
 */
#pragma once
#include "base/arena.h"

struct filter {
    const char *field, *value; /* both NULL: no filter */
};

/* fields: NULL-terminated names that may be compared. Returns 0, or -EINVAL with a sentence in *why. */
int filter_parse(const char *text, const char *const *fields, struct arena *a, struct filter *out,
                 const char **why) MUSTCHECK;
