/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/token.h"
#include "base/encode.h"
#include "base/rng.h"
#include "base/str.h"
#include <stdio.h>

enum { RANDOM_LEN = 32, RANDOM_TEXT = 43, CRC_TEXT = 8 };
#define LOWER "abcdefghijklmnopqrstuvwxyz"

/* CRC-32 of IEEE 802.3, bit by bit: tokens are short. */
static uint32_t crc32_of(const char *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint8_t)p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

void token_make(const char *kind, char out[static TOKEN_LEN_MAX])
{
    uint8_t raw[RANDOM_LEN];
    char text[BASE64URL_LEN(RANDOM_LEN)];
    size_t n = strlen(kind);
    if (!n || n > TOKEN_KIND_MAX || strspn(kind, LOWER) != n)
        abort();
    rng_bytes(raw, sizeof(raw));
    base64url_encode(raw, sizeof(raw), text);
    n = (size_t)snprintf(out, TOKEN_LEN_MAX, "pst_%s_%s", kind, text);
    snprintf(out + n, TOKEN_LEN_MAX - n, "%08x", crc32_of(out, n));
}

bool token_kind(const char *token, char kind[static TOKEN_KIND_MAX + 1])
{
    char crc[CRC_TEXT + 1], body[RANDOM_TEXT + 1];
    uint8_t raw[RANDOM_LEN];
    size_t n = strlen(token), head = strlen("pst_");
    if (!str_starts(token, "pst_"))
        return false;
    size_t n_kind = strspn(token + head, LOWER);
    if (!n_kind || n_kind > TOKEN_KIND_MAX || n != head + n_kind + 1 + RANDOM_TEXT + CRC_TEXT ||
        token[head + n_kind] != '_')
        return false;
    memcpy(body, token + head + n_kind + 1, RANDOM_TEXT);
    body[RANDOM_TEXT] = '\0';
    snprintf(crc, sizeof(crc), "%08x", crc32_of(token, n - CRC_TEXT));
    if (!str_eq(crc, token + n - CRC_TEXT) || base64url_decode_exact(body, raw, sizeof(raw)))
        return false;
    memcpy(kind, token + head, n_kind);
    kind[n_kind] = '\0';
    return true;
}

bool token_valid(const char *token, const char *kind)
{
    char found[TOKEN_KIND_MAX + 1];
    return token_kind(token, found) && str_eq(found, kind);
}

void token_hash(const char *token, uint8_t out[static SHA256_LEN])
{
    sha256(token, strlen(token), out);
}
