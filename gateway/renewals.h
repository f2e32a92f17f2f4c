/* SPDX-License-Identifier: Apache-2.0 */
/* The signed messages that keep grants alive: checked, in order, never twice. Pure. */
#pragma once
#include "gateway/vault.h"

enum { RENEWAL_SPAN_MS = 300000 };

struct renewals {
    struct vault *vault; /* remembers the last one across restarts */
    const uint8_t *message_key;
    const char *gateway;
    int64_t at_ms; /* local time of the last good one; INT64_MIN before the first */
};

void renewals_init(struct renewals *r, struct vault *vault, const uint8_t *message_key, const char *gateway);
/* NULL when the message counts from at_ms on, else why it does not. */
const char *renewals_take(struct renewals *r, const struct renewal_state *m, int64_t at_ms) MUSTCHECK;
/* Until when a grant is open that began at from_ms and may live until until_ms. */
int64_t renewals_open_until(const struct renewals *r, int64_t from_ms, int64_t until_ms);
