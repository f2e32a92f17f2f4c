/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64 (RFC 4648 section 4) and base64url without padding (section 5). Decoders are strict and canonical. */
#pragma once
#include "base/defs.h"

#define HEX_LEN(n)       ((n)*2 + 1) /* text size with NUL for n bytes */
#define BASE64_LEN(n)    (((n) + 2) / 3 * 4 + 1)
#define BASE64URL_LEN(n) (((n)*4 + 2) / 3 + 1)

void hex_encode(const void *p, size_t n, char *out);       /* out: HEX_LEN(n), lower case */
void base64_encode(const void *p, size_t n, char *out);    /* out: BASE64_LEN(n) */
void base64url_encode(const void *p, size_t n, char *out); /* out: BASE64URL_LEN(n) */

/* Decode text into at most cap bytes; *n_out = bytes written. Returns 0, -EINVAL (not canonical) or -ENOSPC. */
int hex_decode(const char *s, void *out, size_t cap, size_t *n_out) MUSTCHECK;
int base64_decode(const char *s, void *out, size_t cap, size_t *n_out) MUSTCHECK;
int base64url_decode(const char *s, void *out, size_t cap, size_t *n_out) MUSTCHECK;
/* As above but exactly n bytes must come out. */
int hex_decode_exact(const char *s, void *out, size_t n) MUSTCHECK;
int base64_decode_exact(const char *s, void *out, size_t n) MUSTCHECK;
int base64url_decode_exact(const char *s, void *out, size_t n) MUSTCHECK;
