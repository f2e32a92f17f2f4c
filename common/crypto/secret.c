/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"
#include "crypto/internal.h"
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void crypto_setup(void)
{
    if (sodium_init() < 0)
        abort();
}

struct secret secret_new(size_t n)
{
    crypto_setup();
    struct secret s = {sodium_malloc(n ? n : 1), n};
    if (!s.p)
        abort();
    memset(s.p, 0, n);
    return s;
}

struct secret secret_copy(const void *p, size_t n)
{
    struct secret s = secret_new(n);
    if (n)
        memcpy(s.p, p, n);
    return s;
}

void secret_done(struct secret *s)
{
    sodium_free(s->p); /* wipes; takes NULL */
    *s = (struct secret){0};
}

void secret_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

int secret_no_dumps(void)
{
    static const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none))
        return -errno;
#ifndef POSTERN_SANITIZED /* the leak checker looks from outside */
    if (prctl(PR_SET_DUMPABLE, 0))
        return -errno;
#endif
    return 0;
}
