/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record.h"
#include <stdarg.h>
#include <stdio.h>

void rec_error_add(struct rec_errors *errors, const char *pointer, const char *fmt, ...)
{
    if (errors->n == REC_ERRORS_MAX)
        return;
    struct rec_error *e = &errors->at[errors->n++];
    snprintf(e->pointer, sizeof(e->pointer), "%s", pointer);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->detail, sizeof(e->detail), fmt, ap);
    va_end(ap);
}

void rec_pointer_add(struct buf *pointer, const char *name, size_t n)
{
    buf_putc(pointer, '/');
    for (size_t i = 0; i < n; i++) {
        if (name[i] == '~')
            buf_puts(pointer, "~0");
        else if (name[i] == '/')
            buf_puts(pointer, "~1");
        else
            buf_putc(pointer, name[i]);
    }
}
