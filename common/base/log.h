/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on stderr: text for people, JSON lines with POSTERN_LOG=json. The layer that decides logs,
 * once, with its context; library code returns errors instead. Secrets are never arguments of a log call.
 */
#pragma once
#include "base/defs.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* program: shown on each line. Reads POSTERN_LOG (text|json) and POSTERN_LOG_LEVEL (debug|info|warn|error). */
void log_init(const char *program);
bool log_enabled(enum log_level level);
void log_at(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_debug(...) (log_enabled(LOG_DEBUG) ? log_at(LOG_DEBUG, __VA_ARGS__) : (void)0)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
