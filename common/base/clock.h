/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks and RFC 3339 times. Deadlines count on clock_boot_ms() (CLOCK_BOOTTIME: goes on during suspend, never
 * steps); wall time is for people, certificates and policy conditions only. Pure code takes times as arguments.
 */
#pragma once
#include "base/defs.h"

int64_t clock_boot_ms(void);
int64_t clock_boot_us(void);
int64_t clock_wall_us(void); /* microseconds since 1970-01-01T00:00:00Z */
int64_t clock_wall_ms(void);

enum { TIME_TEXT_LEN = sizeof("2026-11-20T08:00:00.123456Z") };

/* "2026-11-20T08:00:00Z", with a fraction only when there is one. `us` is microseconds since 1970, year 1..9999. */
void time_format(int64_t us, char out[static TIME_TEXT_LEN]);
/* Strict RFC 3339 date-time with Z or offset; returns 0 or -EINVAL. Fractions beyond microseconds are refused. */
int time_parse(const char *s, int64_t *us) MUSTCHECK;
/* "90d", "12h", "30m", "45s" -> seconds; returns 0 or -EINVAL. */
int duration_parse(const char *s, int64_t *seconds) MUSTCHECK;
