/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/core/handler.h"
#include "base/str.h"
#include <stdarg.h>
#include <stdio.h>

const char *request_header(const struct request *req, const char *name)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if (str_eq(req->headers[i].name, name))
            return req->headers[i].value;
    return NULL;
}

/* A line break would start another header; other control characters are refused by the frame. */
static void clean_from(struct buf *b, size_t at)
{
    for (size_t i = at; i < b->len; i++)
        if ((unsigned char)b->data[i] < 0x20 || b->data[i] == 0x7f)
            b->data[i] = ' ';
}

void response_header(struct response *res, const char *name, const char *value)
{
    response_headerf(res, name, "%s", value);
}

void response_headerf(struct response *res, const char *name, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    size_t at = res->headers.len;
    buf_printf(&res->headers, "%s: %s", name, text);
    clean_from(&res->headers, at);
    buf_putc(&res->headers, '\n');
}
