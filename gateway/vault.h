/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway must not lose when its agent restarts: its WireGuard key, the keys of running connections and the last
 * renewal, sealed below /run, so that it lives exactly as long as the host's boot. The vault owns its peers.
 */
#pragma once
#include "agent/identity.h"
#include "crypto/psk.h"
#include "net/addr.h"
#include "wireguard/uapi.h"

struct vault_peer {
    char id[ID_LEN_MAX], session[ID_LEN_MAX], replaces[ID_LEN_MAX], label[256];
    struct wg_key key, psk;
    struct net_addr inner_v4, inner_v6;
    uint8_t hello[PSK_HELLO_MAX], signature[PKEY_SIG_MAX]; /* H_g, as it was accepted with */
    uint32_t n_hello, n_signature;
    int64_t made_ms; /* clock_boot_ms() */
    bool accepted;   /* posternd has H_g; not stored: asked again after a restart */
};

struct vault {
    struct seal seal;
    char boot[BOOT_ID_LEN];
    struct wg_key private_key, public_key;
    char epoch[65]; /* of the last renewal, "" before the first */
    uint64_t seq;
    int64_t issued_us;
    struct vault_peer **peers; /* sorted by id */
    size_t n, cap;
    bool dirty;
};

/* Opens dir/vault.sealed; makes a new one when there is none, it is of another boot or cannot be read (then *fresh).
 * Returns 0 or -errno. */
int vault_open(struct vault *v, const char *dir, bool *fresh) MUSTCHECK;
void vault_close(struct vault *v);
/* Writes when something changed. Returns 0 or -errno. */
int vault_save(struct vault *v) MUSTCHECK;

struct vault_peer *vault_find(const struct vault *v, const char *id);
/* Takes over p (malloc'd), replacing one with the same id. */
void vault_put(struct vault *v, struct vault_peer *p);
void vault_remove_at(struct vault *v, size_t i);
