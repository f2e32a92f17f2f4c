/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connections a signed-in client has, asks for and replaces: one per site, all under one session key. Pure: times
 * and what posternd says are arguments, what is to be done comes back as steps. A key is replaced before it is an hour
 * old, or when a site needs more than its connection has: every site asks again under the next key, and when the answers
 * are there all change over at once. Owns its sites; tunnel_done() wipes the keys.
 */
#pragma once
#include "client/pair.h"

enum {
    TUNNEL_KEY_MS = 50 * 60 * 1000, /* age at which the next key is begun */
    TUNNEL_ANSWER_MS = 20 * 1000,   /* a gateway that has not answered by then will not */
    TUNNEL_ROTATE_MS = 30 * 1000,   /* after that the change-over happens with what is there */
    TUNNEL_RETRY_BASE_MS = 500,
    TUNNEL_RETRY_CAP_MS = 30 * 1000,
};

enum attempt_state { ATTEMPT_NONE, ATTEMPT_ASKING, ATTEMPT_WAITING, ATTEMPT_READY };

struct attempt {
    enum attempt_state state;
    char connection[ID_LEN_MAX]; /* from WAITING on */
    int64_t since_ms;            /* in this state */
    struct pair_offer offer;
    struct pair pair; /* READY */
};

struct tunnel_site {
    char id[ID_LEN_MAX];
    struct attempt now, next; /* under the key, under the next key */
    int64_t retry_ms;         /* not before */
    unsigned failures;
    bool wanted;
    char reason[257]; /* of the last failure, for people */
};

struct tunnel {
    struct wg_key key, next_key; /* private; all zero = none */
    int64_t key_made_ms, rotating_since_ms, rotate_after_ms;
    unsigned rotations; /* that brought nothing, in a row */
    bool rotating;
    struct tunnel_site **sites; /* sorted by id */
    size_t n_sites;
};

/* posternd's view of one site, sorted by id; connections are those of the session, in any order. */
struct tunnel_wish {
    const char *site;
    const char *const *resources; /* that may be reached now */
    size_t n_resources;
};
struct tunnel_view {
    int64_t now_ms;
    const struct tunnel_wish *wishes;
    size_t n_wishes;
    const struct client_connection *const *connections;
    size_t n_connections;
};

enum tunnel_step {
    TUNNEL_IDLE,   /* nothing to do before tunnel_next_ms() or the next change of the view */
    TUNNEL_KEY,    /* call tunnel_new_key() with a fresh private key */
    TUNNEL_ASK,    /* make attempt->offer, ask for the site's resources, then tunnel_asked() */
    TUNNEL_FINISH, /* pair_finish() of attempt with connection, then tunnel_finished() */
};
struct tunnel_todo {
    enum tunnel_step step;
    struct tunnel_site *site;
    struct attempt *attempt;
    const struct tunnel_wish *wish;
    const struct client_connection *connection; /* FINISH */
    const char *replaces;                       /* ASK: connection that this one replaces, or NULL */
    const struct wg_key *key;                   /* ASK */
};

void tunnel_done(struct tunnel *t);
/* A connection that an earlier daemon had up, under t->key. */
void tunnel_restore(struct tunnel *t, const char *site, const char *connection, const struct pair *pair,
                    int64_t now_ms);
/* The next thing to do; call again after each until TUNNEL_IDLE. */
struct tunnel_todo tunnel_look(struct tunnel *t, const struct tunnel_view *view);
void tunnel_new_key(struct tunnel *t, const struct wg_key *key, int64_t now_ms);
/* connection NULL: refused or failed, for `reason`. site may be gone meanwhile: then nothing happens. next: the attempt
 * was made under the next key. */
void tunnel_asked(struct tunnel *t, const char *site, bool next, const char *connection, const char *reason,
                  int64_t now_ms);
void tunnel_finished(struct tunnel *t, const struct tunnel_todo *todo, const char *wrong, int64_t now_ms);
/* When to look again although nothing changed; INT64_MAX = never. */
int64_t tunnel_next_ms(const struct tunnel *t, int64_t now_ms);
const struct client_connection *tunnel_connection(const struct tunnel_view *view, const char *id);
/* Every wanted site has its connection and none is being replaced. */
bool tunnel_settled(const struct tunnel *t);
