/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who people are: local accounts, sign-in under rate limits that is equally slow for unknown people, bearer tokens,
 * and the first administrator. Rate limits are kept once for the process; everything else is in the database.
 */
#pragma once
#include "base/id.h"
#include "server/core/handler.h"
#include "server/store/accounts.h"
#include "server/store/audit.h"

enum { SESSION_SECONDS = 12 * 60 * 60 };

enum identity_result {
    IDENTITY_OK,
    IDENTITY_WRONG,  /* unknown, disabled, without password, or another password: nobody is told which */
    IDENTITY_LIMITED /* too many attempts */
};

struct identity_verdict {
    enum identity_result result;
    struct account account; /* when OK; hash is NULL */
    int64_t retry_ms;       /* when LIMITED: how long to wait */
};

/* What somebody shows to prove who they are. */
struct identity_proof {
    const char *email, *password;
    const char *peer;       /* source address, for the rate limit */
    const char *request_id; /* for audit */
};

/*
 * A way to sign in. `verify` judges a proof: returns 0 with *out, or an error of the database. A provider that sends
 * people elsewhere first (OIDC) has `begin`, which makes the address to go to and the state that verify will ask
 * for; NULL where the proof is simply typed in.
 */
struct identity_provider {
    const char *name;
    int (*begin)(struct db *db, struct arena *a, const char **url, const char **state);
    int (*verify)(struct db *db, struct arena *a, const struct identity_proof *proof, struct identity_verdict *out);
};
extern const struct identity_provider identity_local;
extern const struct identity_provider *const identity_providers[]; /* NULL-terminated */

/* E-mail and password of a local account, as for REST sign-in so for agents; writes the audit event of a failure.
 * About 50 ms. Returns 0 with *out, or an error of the database. */
int identity_check_password(struct db *db, struct arena *a, const struct identity_proof *proof,
                            struct identity_verdict *out) MUSTCHECK;
/* Takes one attempt of an address for things like set-up and enrolment; returns milliseconds to wait, 0 = go on. Whoever
 * turned out to be right gets it back, so that many who are right at one address do not stand in each other's way. */
int64_t identity_attempt(const char *peer) MUSTCHECK;
void identity_attempt_was_right(const char *peer);

/* Opens a session for people's programs: the token is written to out (TOKEN_LEN_MAX), only its hash is stored. */
int identity_open_session(struct db *db, const struct account *account, char *token, int64_t *expires_us,
                          char token_id[static ID_LEN_MAX]) MUSTCHECK;
/* Sets a password and ends the person's sessions, those on devices too. Inside the caller's transaction. */
int identity_set_password(struct db *db, const char *person_id, const char *password) MUSTCHECK;

/* Finds who shows this bearer token: 0 with *who and *scopes filled, -ENOENT when it is not good for anything, or an
 * error of the database. Strings live in the arena. */
struct identity_scopes {
    const char **v;
    size_t n; /* 0 = all that the role allows */
};
int identity_bearer(struct db *db, struct arena *a, const char *token, struct principal *who,
                    struct identity_scopes *scopes) MUSTCHECK;
/* Whether the scopes cover reading or writing of a noun's path part, e.g. "policies". */
bool identity_scopes_cover(const struct identity_scopes *scopes, const char *noun, bool writes);

/* The first administrator. */
struct identity_admin {
    const char *email, *name, *password;
};
/* Makes DATA_DIR/setup-token when there is no administrator yet and no such file. Returns 0 or -errno. */
int identity_prepare_setup(struct db *db, const char *data_dir) MUSTCHECK;
/* Takes the set-up token (once) and makes the administrator. Returns 0 with *out, -EACCES when the token is wrong or
 * set-up is over, or an error of the database. */
int identity_redeem_setup(struct db *db, struct arena *a, const char *data_dir, const char *token,
                          const struct identity_admin *admin, const struct audit_actor *actor,
                          struct account *out) MUSTCHECK;
/* `posternd admin create`: makes this administrator or, when the address is known, makes that person one, enables
 * them and sets their password. Returns 0, -EINVAL with *why, or an error. */
int identity_create_admin(struct db *db, struct arena *a, const struct identity_admin *admin,
                          const char **why) MUSTCHECK;
