/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

static const char std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(const void *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = p;
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[in[i] >> 4];
        *out++ = digits[in[i] & 15];
    }
    *out = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

int hex_decode(const char *s, void *out, size_t cap, size_t *n_out)
{
    unsigned char *o = out;
    size_t len = strlen(s);
    if (len % 2)
        return -EINVAL;
    if (len / 2 > cap)
        return -ENOSPC;
    for (size_t i = 0; i < len; i += 2) {
        int hi = hex_value(s[i]), lo = hex_value(s[i + 1]);
        if (hi < 0 || lo < 0)
            return -EINVAL;
        *o++ = (unsigned char)(hi << 4 | lo);
    }
    *n_out = len / 2;
    return 0;
}

static char *encode64(const unsigned char *in, size_t n, const char *alphabet, bool pad, char *out)
{
    for (; n >= 3; in += 3, n -= 3) {
        uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = alphabet[v >> shift & 63];
    }
    if (n) {
        uint32_t v = (uint32_t)in[0] << 16 | (n == 2 ? (uint32_t)in[1] << 8 : 0);
        *out++ = alphabet[v >> 18 & 63];
        *out++ = alphabet[v >> 12 & 63];
        if (n == 2)
            *out++ = alphabet[v >> 6 & 63];
        else if (pad)
            *out++ = '=';
        if (pad)
            *out++ = '=';
    }
    *out = '\0';
    return out;
}

void base64_encode(const void *p, size_t n, char *out)
{
    encode64(p, n, std_alphabet, true, out);
}

void base64url_encode(const void *p, size_t n, char *out)
{
    encode64(p, n, url_alphabet, false, out);
}

/* Four characters at a time (the last group may be shorter); unused low bits must be zero. */
static int decode64(const char *s, size_t len, const char *alphabet, unsigned char *out, size_t cap, size_t *n_out)
{
    size_t n = 0;
    if (len % 4 == 1)
        return -EINVAL;
    for (size_t i = 0; i < len; i += 4) {
        size_t k = MIN(len - i, (size_t)4);
        uint32_t v = 0;
        for (size_t j = 0; j < k; j++) {
            const char *at = s[i + j] ? strchr(alphabet, s[i + j]) : NULL;
            if (!at)
                return -EINVAL;
            v |= (uint32_t)(at - alphabet) << (18 - 6 * j);
        }
        if (v & ((1u << (24 - 8 * (k - 1))) - 1))
            return -EINVAL;
        if (n + k - 1 > cap)
            return -ENOSPC;
        for (size_t j = 0; j + 1 < k; j++)
            out[n++] = (unsigned char)(v >> (16 - 8 * j));
    }
    *n_out = n;
    return 0;
}

int base64_decode(const char *s, void *out, size_t cap, size_t *n_out)
{
    size_t len = strlen(s), text = len;
    if (len % 4)
        return -EINVAL;
    for (int i = 0; i < 2 && text && s[text - 1] == '='; i++)
        text--;
    return decode64(s, text, std_alphabet, out, cap, n_out);
}

int base64url_decode(const char *s, void *out, size_t cap, size_t *n_out)
{
    return decode64(s, strlen(s), url_alphabet, out, cap, n_out);
}

int hex_decode_exact(const char *s, void *out, size_t n)
{
    size_t got;
    return hex_decode(s, out, n, &got) || got != n ? -EINVAL : 0;
}

int base64_decode_exact(const char *s, void *out, size_t n)
{
    size_t got;
    return base64_decode(s, out, n, &got) || got != n ? -EINVAL : 0;
}

int base64url_decode_exact(const char *s, void *out, size_t n)
{
    size_t got;
    return base64url_decode(s, out, n, &got) || got != n ? -EINVAL : 0;
}
