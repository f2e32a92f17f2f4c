/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Admitting a connection: verifies what the client signed, makes the gateway's half and derives the pair's keys.
 * No I/O; time is an argument.
 */
#pragma once
#include "gateway/vault.h"

struct admission {
    const struct identity *identity; /* its CA is the one that counts */
    const struct vault *vault;       /* our WireGuard key and boot */
    int64_t wall_us, boot_ms;
};

/* Fills *out (accepted = false) and returns NULL, or says why not; nothing secret is left behind then. */
const char *admit(const struct admission *a, const struct gateway_connection *c, struct vault_peer *out) MUSTCHECK;
