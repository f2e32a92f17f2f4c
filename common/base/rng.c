/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include <sys/random.h>

void rng_bytes(void *p, size_t n)
{
    char *out = p;
    while (n) {
        ssize_t got = getrandom(out, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        out += got;
        n -= (size_t)got;
    }
}

uint64_t rng_below(uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, x;
    do
        rng_bytes(&x, sizeof(x));
    while (x >= limit);
    return x % bound;
}
