/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed files: secrets at rest under XChaCha20-Poly1305 with the key in `seal.key` of the same directory.
 * Both are 0600 and replaced atomically. The file's own name is authenticated, so sealed files cannot be
 * swapped. A copy of the files without the key is worth nothing; who reads both as root reads all.
 */
#pragma once
#include "crypto/secret.h"

struct seal {
    struct secret key;
    char dir[3072];
};

/* Opens dir/seal.key, makes it when there is none. Returns 0 or -errno; -EPERM when others may read the key.
 */
int seal_open(struct seal *s, const char *dir) MUSTCHECK;
void seal_close(struct seal *s);

/* Writes dir/name. Returns 0 or -errno. */
int seal_write(const struct seal *s, const char *name, const void *p, size_t n) MUSTCHECK;
/* Reads dir/name of at most max plain bytes. -ENOENT, -EBADMSG (altered, another key, another name) or
 * -errno. */
int seal_read(const struct seal *s, const char *name, size_t max, struct secret *out) MUSTCHECK;
/* Removes dir/name; 0 when it is not there. */
int seal_remove(const struct seal *s, const char *name);
