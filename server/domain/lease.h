/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * States of leases and connections and the edges between them. Whoever changes a state goes through the setter;
 * the statements of server/store ask for the same edges in their WHERE.
 */
#pragma once
#include "base/defs.h"

/* A lease is one person's access to one resource through one connection. */
enum lease_state { LEASE_PENDING, LEASE_READY, LEASE_REVOKED, LEASE_EXPIRED };
extern const char *const lease_state_names[]; /* "pending", "ready", "revoked", "expired" */

/* Checks the edge and logs it: pending -> ready, and from both to revoked or expired. Returns 0 or -EINVAL. */
int lease_set(enum lease_state *state, enum lease_state to, const char *lease, const char *why) MUSTCHECK;
bool lease_live(enum lease_state state);

/* A connection is one session's pair of WireGuard keys with one gateway. */
enum link_state { LINK_PENDING, LINK_READY, LINK_FAILED, LINK_ENDED };
extern const char *const link_state_names[]; /* "pending", "ready", "failed", "ended" */

/* pending -> ready | failed | ended, ready -> failed | ended. Returns 0 or -EINVAL. */
int link_set(enum link_state *state, enum link_state to, const char *connection, const char *why) MUSTCHECK;
bool link_live(enum link_state state);
