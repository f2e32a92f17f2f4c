/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sessions of people's programs, and who shows a bearer token. */
#include "base/clock.h"
#include "crypto/password.h"
#include "crypto/token.h"
#include "server/identity/identity.h"
#include "server/store/sql.h"

int identity_open_session(struct db *db, const struct account *account, char *token, int64_t *expires_us,
                          char token_id[static ID_LEN_MAX])
{
    uint8_t hash[SHA256_LEN];
    token_make("ses", token);
    token_hash(token, hash);
    id_new("tok", clock_wall_ms(), token_id);
    *expires_us = clock_wall_us() + (int64_t)SESSION_SECONDS * 1000000;
    int r = db_run(db, SQL_SESSIONS_DELETE_EXPIRED, DB_ARGS(DB_STR("person_id", account->id)), NULL);
    /* A session may do what the person may do at the time of use: the owner's role is the lower one. */
    if (!r)
        r = db_run(db, SQL_TOKEN_INSERT,
                   DB_ARGS(DB_STR("id", token_id), DB_STR("kind", "session"), DB_STR("name", "sign-in"),
                           DB_STR("person_id", account->id), DB_STR("role", role_names[ROLE_ADMIN]),
                           DB_STRS("scopes", NULL, 0), DB_BYTES("hash", hash, sizeof(hash)),
                           DB_TIME("expires_at", *expires_us)),
                   NULL);
    return r ? r : db_run(db, SQL_ACCOUNT_SIGNED_IN, DB_ARGS(DB_STR("id", account->id)), NULL);
}

int identity_set_password(struct db *db, const char *person_id, const char *password)
{
    char hash[PASSWORD_HASH_LEN];
    int r = password_hash(password, hash);
    if (!r)
        r = db_run(db, SQL_PASSWORD_PUT, DB_ARGS(DB_STR("person_id", person_id), DB_STR("hash", hash)), NULL);
    if (!r)
        r = db_run(db, SQL_DEVICE_SESSIONS_EXPIRE, DB_ARGS(DB_STR("person_id", person_id)), NULL);
    return r ? r : db_run(db, SQL_SESSIONS_DELETE, DB_ARGS(DB_STR("person_id", person_id)), NULL);
}

static unsigned allowed(enum role role)
{
    switch (role) {
    case ROLE_ADMIN:
        return ALLOW_ANYONE | ALLOW_MEMBER | ALLOW_AUDITOR | ALLOW_ADMIN;
    case ROLE_AUDITOR:
        return ALLOW_ANYONE | ALLOW_MEMBER | ALLOW_AUDITOR;
    case ROLE_MEMBER:
        break;
    }
    return ALLOW_ANYONE | ALLOW_MEMBER;
}

int identity_bearer(struct db *db, struct arena *a, const char *token, struct principal *who,
                    struct identity_scopes *scopes)
{
    uint8_t hash[SHA256_LEN];
    bool session = token_valid(token, "ses");
    if (!session && !token_valid(token, "pat"))
        return -ENOENT;
    token_hash(token, hash);
    struct credential *c = arena_alloc(a, sizeof(*c));
    if (!c)
        return -ENOMEM;
    int r = db_one(db, SQL_CREDENTIAL_GET, DB_ARGS(DB_BYTES("hash", hash, sizeof(hash))), a, c);
    if (r)
        return r;
    if (c->expired || !c->enabled)
        return -ENOENT;
    if (c->unmarked && (r = db_run(db, SQL_CREDENTIAL_MARK, DB_ARGS(DB_STR("id", c->id)), NULL)))
        return r;
    *scopes = (struct identity_scopes){c->scopes, c->n_scopes};
    *who = (struct principal){
        .kind = session ? PRINCIPAL_PERSON : PRINCIPAL_SERVICE,
        .allow = allowed((enum role)MIN(c->role, c->person_role)),
        .id = c->person_id,
        .name = c->email,
        .token = c->id,
        .person = c->person_id,
    };
    return 0;
}

bool identity_scopes_cover(const struct identity_scopes *scopes, const char *noun, bool writes)
{
    const char *verb = writes ? ":write" : ":read";
    size_t n = strlen(noun);
    for (size_t i = 0; i < scopes->n; i++) {
        const char *s = scopes->v[i], *colon = strchr(s, ':');
        if (colon && str_eq(colon, verb) &&
            ((colon == s + 1 && *s == '*') || ((size_t)(colon - s) == n && memcmp(s, noun, n) == 0)))
            return true;
    }
    return scopes->n == 0;
}
