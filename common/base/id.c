/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"
#include "base/rng.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
enum { ULID_LEN = 26, TIME_CHARS = 10 };

void id_new(const char *prefix, int64_t wall_ms, char out[static ID_LEN_MAX])
{
    unsigned char random[ULID_LEN - TIME_CHARS];
    size_t n = strlen(prefix);
    rng_bytes(random, sizeof(random));
    memcpy(out, prefix, n);
    out += n;
    *out++ = '_';
    for (int i = 0; i < TIME_CHARS; i++)
        *out++ = alphabet[(uint64_t)wall_ms >> (45 - 5 * i) & 31];
    for (size_t i = 0; i < sizeof(random); i++)
        *out++ = alphabet[random[i] & 31];
    *out = '\0';
}

bool id_valid(const char *s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(s, prefix, n) || s[n] != '_' || strlen(s) != n + 1 + ULID_LEN)
        return false;
    return strspn(s + n + 1, alphabet) == ULID_LEN;
}
