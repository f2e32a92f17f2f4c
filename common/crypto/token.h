/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bearer tokens: "pst_<kind>_" + 32 random bytes in base64url + CRC-32 of all before it. The checksum lets
 * scanners and typists tell a real token from a broken one without a database; only the SHA-256 is ever
 * stored.
 */
#pragma once
#include "crypto/hash.h"

enum { TOKEN_KIND_MAX = 8, TOKEN_LEN_MAX = sizeof("pst_") + TOKEN_KIND_MAX + 1 + 43 + 8 };

/* kind: 1..8 lower-case letters, e.g. pat, svc, gw, dev, ses. */
void token_make(const char *kind, char out[static TOKEN_LEN_MAX]);
/* Well-formed, of this kind and with the right checksum; says nothing about whether it is known. */
bool token_valid(const char *token, const char *kind) MUSTCHECK;
/* As above for any kind, which is copied out. */
bool token_kind(const char *token, char kind[static TOKEN_KIND_MAX + 1]) MUSTCHECK;
/* What is stored and looked up. */
void token_hash(const char *token, uint8_t out[static SHA256_LEN]);
