/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client must not lose when its daemon restarts: who is signed in, the session key and the keys of its tunnels;
 * sealed below /run, so that it lives exactly as long as the host's boot. Plain data: secret_wipe() it.
 */
#pragma once
#include "client/tunnel.h"

enum { KEEP_PAIRS_MAX = 64, KEEP_EMAIL_MAX = 255 };

struct keep_pair {
    char site[ID_LEN_MAX], connection[ID_LEN_MAX];
    struct pair pair;
};

struct keep {
    char session[ID_LEN_MAX]; /* "" = nobody is signed in */
    char email[KEEP_EMAIL_MAX];
    uint32_t owner; /* uid of the person's account */
    bool up;
    int64_t until_ms; /* clock_boot_ms() after which, without news from posternd, the tunnels go */
    struct wg_key key;
    int64_t key_made_ms;
    struct keep_pair pairs[KEEP_PAIRS_MAX];
    uint32_t n_pairs;
};

/* Returns 0, also with an empty keep when there is none, it is of another boot or cannot be read. */
int keep_load(const struct seal *seal, struct keep *out) MUSTCHECK;
int keep_save(const struct seal *seal, const struct keep *k) MUSTCHECK;

/* Copies the tunnels that are up between keep and tunnel; the rest of both is left alone. Restoring is for an empty tunnel. */
void keep_tunnel(struct keep *k, const struct tunnel *t);
void keep_restore(const struct keep *k, struct tunnel *t, int64_t now_ms);
