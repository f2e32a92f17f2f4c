/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness and watchdog towards systemd (sd_notify(3)); nothing happens when nobody listens. */
#pragma once
#include "base/defs.h"

void notify_send(const char *text);
/* Half of what the watchdog allows, 0 when there is none. */
int64_t notify_watchdog_ms(void);
