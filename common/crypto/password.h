/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords of local accounts: Argon2id (RFC 9106) with 32 MiB and 3 passes, about 50 ms and no more than a
 * few workers' worth of memory at once. Verifying for an unknown person costs the same as for a known one.
 */
#pragma once
#include "base/defs.h"

enum { PASSWORD_HASH_LEN = 128, PASSWORD_MAX = 1024 };

/* 0, or -ENOMEM, or -EINVAL beyond PASSWORD_MAX bytes. */
int password_hash(const char *password, char out[static PASSWORD_HASH_LEN]) MUSTCHECK;
/* hash NULL = unknown person: does the same work and answers false. */
bool password_verify(const char *hash, const char *password) MUSTCHECK;
