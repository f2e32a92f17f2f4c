/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"
#include "crypto/internal.h"
#include <pthread.h>
#include <sodium.h>

_Static_assert(PASSWORD_HASH_LEN == crypto_pwhash_STRBYTES, "size of libsodium's hash text");

enum { PASSES = 3, MEMORY = 32 << 20 };

static char nobody[PASSWORD_HASH_LEN];
static pthread_once_t nobody_once = PTHREAD_ONCE_INIT;

int password_hash(const char *password, char out[static PASSWORD_HASH_LEN])
{
    size_t n = strlen(password);
    crypto_setup();
    if (n > PASSWORD_MAX)
        return -EINVAL;
    memset(out, 0, PASSWORD_HASH_LEN);
    return crypto_pwhash_str_alg(out, password, n, PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13) ? -ENOMEM : 0;
}

/* Made with today's constants, so that it costs what a real hash costs. */
static void nobody_make(void)
{
    if (password_hash("", nobody))
        abort();
}

bool password_verify(const char *hash, const char *password)
{
    size_t n = strlen(password);
    pthread_once(&nobody_once, nobody_make);
    bool match = crypto_pwhash_str_verify(hash ? hash : nobody, password, MIN(n, (size_t)PASSWORD_MAX)) == 0;
    return match && hash && n <= PASSWORD_MAX;
}
