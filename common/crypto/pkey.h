/* SPDX-License-Identifier: Apache-2.0 */
/*
 * P-256 private keys: the identity of devices and gateways, the device CA and self-made TLS certificates. A
 * struct pkey is owned by who made or loaded it.
 */
#pragma once
#include "crypto/seal.h"

struct pkey;

enum { PKEY_SIG_MAX = 72, PKEY_PEM_MAX = 4096 };

struct pkey *pkey_make(void) MUSTCHECK;
void pkey_free(struct pkey *key);

/* PKCS #8 PEM; the secret has a NUL after its last byte, which len does not count. */
struct secret pkey_to_pem(const struct pkey *key) MUSTCHECK;
/* Returns 0, or -EBADMSG when it is not a plain P-256 private key. */
int pkey_from_pem(const void *pem, size_t n, struct pkey **out) MUSTCHECK;
int pkey_save(const struct pkey *key, const struct seal *seal, const char *name) MUSTCHECK;
int pkey_load(const struct seal *seal, const char *name, struct pkey **out) MUSTCHECK;
/* As pkey_load(), making and saving a key when there is none. */
int pkey_load_or_make(const struct seal *seal, const char *name, struct pkey **out) MUSTCHECK;

/* Certificate signing request, malloc'd PEM. */
char *pkey_csr(const struct pkey *key, const char *common_name) MUSTCHECK;
/* ES256: ECDSA over SHA-256 of the bytes, signature in DER. Returns its length. */
size_t pkey_sign(const struct pkey *key, const void *p, size_t n, uint8_t sig[static PKEY_SIG_MAX]) MUSTCHECK;
