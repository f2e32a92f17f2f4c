/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/clock.h"
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static struct {
    const char *program;
    enum log_level level;
    bool json;
} log_conf = {.program = "postern", .level = LOG_INFO};

void log_init(const char *program)
{
    const char *format = getenv("POSTERN_LOG"), *level = getenv("POSTERN_LOG_LEVEL");
    log_conf.program = program;
    log_conf.json = format && str_eq(format, "json");
    for (size_t i = 0; level && i < ARRAY_LEN(level_names); i++)
        if (str_eq(level, level_names[i]))
            log_conf.level = (enum log_level)i;
}

bool log_enabled(enum log_level level)
{
    return level >= log_conf.level;
}

/* Strangers' text may reach a message: control characters never reach the terminal or break a line. */
static size_t escape(const char *in, char *out, size_t cap, bool json)
{
    size_t n = 0;
    for (; *in && n + 7 < cap; in++) {
        unsigned char c = (unsigned char)*in;
        if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(out + n, cap - n, "\\u%04x", c);
        else if (json && (c == '"' || c == '\\'))
            n += (size_t)snprintf(out + n, cap - n, "\\%c", c);
        else
            out[n++] = (char)c;
    }
    out[n] = '\0';
    return n;
}

void log_at(enum log_level level, const char *fmt, ...)
{
    char message[2048], text[4096], line[4352], when[TIME_TEXT_LEN];
    if (!log_enabled(level))
        return;
    int saved = errno;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    escape(message, text, sizeof(text), log_conf.json);
    time_format(clock_wall_us(), when);
    int n = snprintf(line, sizeof(line),
                     log_conf.json ? "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"message\":\"%s\"}\n"
                                   : "%s %s %s: %s\n",
                     when, level_names[level], log_conf.program, text);
    if (n > 0 && write(STDERR_FILENO, line, MIN((size_t)n, sizeof(line) - 1)) < 0) {
        /* nowhere left to say it */
    }
    errno = saved;
}
