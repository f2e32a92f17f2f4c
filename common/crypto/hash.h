/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869). */
#pragma once
#include "base/defs.h"

enum { SHA256_LEN = 32, HKDF_MAX = 255 * 32 };

void sha256(const void *p, size_t n, uint8_t out[static SHA256_LEN]);
/* Of the concatenation x ‖ y. */
void sha256_two(const void *x, size_t n_x, const void *y, size_t n_y, uint8_t out[static SHA256_LEN]);
void hmac_sha256(const void *key, size_t n_key, const void *p, size_t n, uint8_t out[static SHA256_LEN]);
/* n <= HKDF_MAX bytes of key material. */
void hkdf_sha256(const void *salt, size_t n_salt, const void *ikm, size_t n_ikm, const void *info, size_t n_info,
                 uint8_t *out, size_t n);
