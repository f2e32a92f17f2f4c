/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What of the live state may not go on in a world: pure, no database and no clock. The verdicts are written down by
 * verdicts_write() before anybody is shown the new world.
 */
#pragma once
#include "server/broker/ledger.h"
#include "server/broker/live.h"
#include "server/broker/world.h"

enum { VERDICT_WHY_MAX = 256 };

enum judged { JUDGED_SESSION, JUDGED_CONNECTION, JUDGED_LEASE, JUDGED_EXTENDED };

/* Something that ends (or, EXTENDED, a lease whose decision holds until another time). */
struct judgement {
    enum judged what;
    char id[ID_LEN_MAX];
    struct policy_decision decision; /* leases: what the world says */
    struct ending why;
    char why_text[VERDICT_WHY_MAX];
    /* Of a lease. */
    char resource[ID_LEN_MAX], session[ID_LEN_MAX], person[ID_LEN_MAX], device[ID_LEN_MAX], gateway[ID_LEN_MAX];
    int64_t valid_until_us;
};

struct judgements {
    struct buf list; /* struct judgement, sessions before connections before leases of each */
};

/* every: judge all leases; otherwise only those that are held or due. */
void judge(const struct live *live, const struct world *w, bool every, int64_t now_us, struct judgements *out);
void judgements_done(struct judgements *j);
size_t judgements_n(const struct judgements *j);
struct judgement *judgement_at(const struct judgements *j, size_t i);

/* Writes all of them, inside the caller's transaction. */
int judgements_write(struct db *db, struct arena *a, const struct judgements *j) MUSTCHECK;

/* The decision about a lease that is or would be, with classes into `classes` (cap *n); valid_until is bounded by the
 * session's end. */
void judge_lease(const struct world *w, const char *person, const char *device, const char *resource,
                 int64_t session_expires_us, int64_t now_us, struct policy_decision *out,
                 const struct policy_class **classes, size_t *n);
