/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Core's keys: made at the first start, kept sealed in DATA/core, the only copy in memory owned by core. What the
 * fronts need to see is written to DATA/front: tls.pem, tls.key (unless configured elsewhere) and device-ca.pem.
 */
#pragma once
#include "crypto/authority.h"
#include "server/settings/settings.h"

enum { CORE_KEY_LEN = 32 };

struct core_keys {
    struct seal seal;
    struct authority authority;    /* device CA and message key */
    struct secret store;           /* what the pointers below point into */
    const uint8_t *cursor_key;     /* CORE_KEY_LEN: MAC of list cursors */
    const uint8_t *token_pepper;   /* CORE_KEY_LEN */
    char organisation[ID_LEN_MAX]; /* org_… of this deployment */
    char *ca_pem;                  /* device CA certificate */
    char ca_sha256[65];            /* hex, of its DER */
    char tls_pin[CERT_PIN_LEN];    /* of the certificate that people and agents see */
};

/* Opens the keys, making what is missing, and writes the fronts' files. As core's user. Returns 0 or -errno, logged. */
int core_keys_open(struct core_keys *k, const struct settings *s) MUSTCHECK;
void core_keys_close(struct core_keys *k);

/* The TLS pair of the fronts: the configured files or those in DATA/front. */
struct tls_paths {
    char cert[4096], key[4096], device_ca[4096];
};
int tls_paths_name(const struct settings *s, struct tls_paths *out) MUSTCHECK;
