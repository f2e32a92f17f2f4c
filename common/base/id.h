/* SPDX-License-Identifier: Apache-2.0 */
/* Object ids: a short prefix and a ULID in Crockford base32, e.g. dev_01JD2Q8W6Z6T3V9XK4M5N7P8QR; ordered by time. */
#pragma once
#include "base/defs.h"

enum { ID_LEN_MAX = 31 + 1 }; /* prefix of at most 4 characters, '_', 26, NUL */

/* Fresh id; wall_ms is milliseconds since 1970. Ids that one process makes one after the other sort in that order as
 * long as the clock does not step back. They name, they do not authenticate: within a millisecond they are counted. */
void id_new(const char *prefix, int64_t wall_ms, char out[static ID_LEN_MAX]);
/* True for "<prefix>_" and 26 characters of the alphabet. */
bool id_valid(const char *s, const char *prefix);
