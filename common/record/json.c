/* SPDX-License-Identifier: Apache-2.0 */
#include "record/json.h"
#include "record/utf8.h"

static void put_escaped(struct buf *out, unsigned char c)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *p = named; *p; p += 2)
        if ((unsigned char)*p == c) {
            buf_putc(out, '\\');
            buf_putc(out, p[1]);
            return;
        }
    buf_printf(out, "\\u%04x", c);
}

/* Length of the run at s that can be copied as it is. */
static size_t plain_run(const char *s, size_t n)
{
    size_t i = 0;
    uint32_t code;
    while (i < n) {
        unsigned char c = (unsigned char)s[i];
        size_t k = c < 0x80 ? (c >= 0x20 && c != '"' && c != '\\') : utf8_next(s + i, n - i, &code);
        if (!k)
            break;
        i += k;
    }
    return i;
}

void json_string_n(struct buf *out, const char *s, size_t n)
{
    buf_putc(out, '"');
    while (n) {
        size_t run = plain_run(s, n);
        buf_append(out, s, run);
        if (run < n) {
            unsigned char c = (unsigned char)s[run++];
            if (c < 0x80)
                put_escaped(out, c);
            else
                buf_puts(out, "\xef\xbf\xbd");
        }
        s += run;
        n -= run;
    }
    buf_putc(out, '"');
}

void json_string(struct buf *out, const char *s)
{
    if (s)
        json_string_n(out, s, strlen(s));
    else
        buf_puts(out, "null");
}
