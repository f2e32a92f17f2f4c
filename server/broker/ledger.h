/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Writing down what was decided and what ends: every function runs inside the caller's transaction and adds the
 * change rows that make the broker of each node look. Returns 0 or an error of the database.
 */
#pragma once
#include "policy/policy.h"
#include "server/db/db.h"
#include "server/domain/lease.h"

enum { LEDGER_POLICIES_MAX = POLICY_DETERMINING_MAX };

/* One row of decisions. Texts may be NULL. */
struct ledger_entry {
    const char *kind; /* "grant", "deny", "revoke", "packets" */
    bool allow;
    const char *code, *why; /* stable reason; text for administrators */
    const char *person, *device, *session, *resource, *gateway, *lease;
    const char *policies[LEDGER_POLICIES_MAX];
    size_t n_policies;
    int64_t valid_until_us; /* 0 = none */
    const char *world;      /* revision that it was made from */
    int64_t eval_ns;
    bool by_gateway;
    const char *protocol, *destination; /* of refused packets; protocol NULL = any */
    int64_t port, packets;
};

/* Writes the row under a fresh id, which is copied to `id` (may be NULL). */
int ledger_decision(struct db *db, const struct ledger_entry *e, char *id) MUSTCHECK;

/* Why something ends. The policies and world are those of the decision that ended it, if one did. */
struct ending {
    const char *code, *why;
    const char *policies[LEDGER_POLICIES_MAX];
    size_t n_policies;
    const char *world;
    int64_t eval_ns;
    bool expired; /* time alone ended it */
};

/* Whose lease it is and where. */
struct lease_head;
int ledger_end_lease(struct db *db, const struct lease_head *lease, const struct ending *why) MUSTCHECK;
/* With its leases. to: LINK_FAILED (the client is told why for a minute) or LINK_ENDED. */
int ledger_end_connection(struct db *db, struct arena *a, const char *id, enum link_state to,
                          const struct ending *why) MUSTCHECK;
/* With its connections and their leases; its inner addresses rest. */
int ledger_end_session(struct db *db, struct arena *a, const char *id, const struct ending *why) MUSTCHECK;

/* Text for its user of an ending's code. */
const char *ending_user_text(const char *code);
