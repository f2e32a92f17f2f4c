/* SPDX-License-Identifier: Apache-2.0 */
#include "record/utf8.h"

size_t utf8_next(const char *s, size_t n, uint32_t *code)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t min;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    const unsigned char *p = (const unsigned char *)s;
    for (size_t k = 0; k < ARRAY_LEN(forms) && k < n; k++) {
        if ((p[0] & forms[k].mask) != forms[k].lead)
            continue;
        uint32_t c = p[0] & (unsigned)(unsigned char)~forms[k].mask;
        for (size_t i = 1; i <= k; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return 0;
            c = c << 6 | (p[i] & 0x3fu);
        }
        *code = c;
        return c < forms[k].min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : k + 1;
    }
    return 0;
}

size_t utf8_count(const char *s)
{
    size_t count = 0, left = strlen(s);
    for (uint32_t code; left; count++) {
        size_t k = utf8_next(s, left, &code);
        k = k ? k : 1;
        s += k;
        left -= k;
    }
    return count;
}
