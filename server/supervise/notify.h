/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What systemd is told over NOTIFY_SOCKET (sd_notify(3)); nothing happens without it. */
#pragma once
#include "base/defs.h"

/* E.g. "READY=1". */
void notify_send(const char *state);
/* How often WATCHDOG=1 has to be sent, 0 = never. */
int64_t notify_watchdog_ms(void);
