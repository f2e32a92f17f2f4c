/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Audit events: who did what to which object, written in the transaction that does it. Secrets never get in. */
#pragma once
#include "server/db/db.h"

/* NULL = unknown or none; an actor of NULLs is this server itself. */
struct audit_actor {
    const char *id, *name; /* per_…, gwy_… or dev_…, and what people call it */
    const char *token;     /* tok_… that was used */
    const char *address, *request_id;
};

struct audit_entry {
    const char *action; /* "create", "update", "delete", "block", "sign-in", ... */
    const char *kind;   /* of the object, e.g. "site" */
    const char *object_id, *object_name;
    const struct rec *rec;      /* of before and after; NULL: no differences are told */
    const void *before, *after; /* either may be NULL */
};

/* Returns 0 or an error of server/db/db.h. */
int audit_add(struct db *db, const struct audit_actor *actor, const struct audit_entry *entry) MUSTCHECK;
