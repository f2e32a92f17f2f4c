/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"
#include "base/rng.h"
#include <pthread.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
enum { ULID_LEN = 26, TIME_CHARS = 10 };

/* The last id of this process: within one millisecond the next one is the same number plus one, so that ids made one
 * after the other sort in that order (ULID specification, "Monotonicity"). */
static struct {
    pthread_mutex_t lock;
    int64_t wall_ms;
    unsigned char random[ULID_LEN - TIME_CHARS]; /* 5 bits each */
} last = {.lock = PTHREAD_MUTEX_INITIALIZER, .wall_ms = -1};

static void fresh_random(void)
{
    rng_bytes(last.random, sizeof(last.random));
    for (size_t i = 0; i < sizeof(last.random); i++)
        last.random[i] &= 31;
    last.random[0] &= 15; /* room to count up in */
}

static void count_up(void)
{
    size_t i = sizeof(last.random);
    while (i && last.random[i - 1] == 31)
        last.random[--i] = 0;
    if (i)
        last.random[i - 1]++;
}

void id_new(const char *prefix, int64_t wall_ms, char out[static ID_LEN_MAX])
{
    unsigned char random[ULID_LEN - TIME_CHARS];
    size_t n = strlen(prefix);
    pthread_mutex_lock(&last.lock);
    if (wall_ms == last.wall_ms)
        count_up();
    else
        fresh_random();
    last.wall_ms = wall_ms;
    memcpy(random, last.random, sizeof(random));
    pthread_mutex_unlock(&last.lock);
    memcpy(out, prefix, n);
    out += n;
    *out++ = '_';
    for (int i = 0; i < TIME_CHARS; i++)
        *out++ = alphabet[(uint64_t)wall_ms >> (45 - 5 * i) & 31];
    for (size_t i = 0; i < sizeof(random); i++)
        *out++ = alphabet[random[i]];
    *out = '\0';
}

bool id_valid(const char *s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(s, prefix, n) || s[n] != '_' || strlen(s) != n + 1 + ULID_LEN)
        return false;
    return strspn(s + n + 1, alphabet) == ULID_LEN;
}
