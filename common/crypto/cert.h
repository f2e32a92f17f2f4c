/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 certificates as Postern uses them: parsing strangers' bytes, who a device certificate names, whether
 * it chains to the organisation's device CA at a given time, and ES256 signatures by its key.
 */
#pragma once
#include "base/id.h"

struct cert;

enum cert_kind { CERT_GATEWAY, CERT_DEVICE };

enum cert_verdict {
    CERT_OK,
    CERT_EXPIRED,
    CERT_NOT_YET, /* before not_before */
    CERT_FOREIGN, /* not signed by this CA, altered, or for another use */
};

/* What the URI SAN "postern:gateway:gwy_…" or "postern:device:dev_…" says. */
struct cert_identity {
    enum cert_kind kind;
    char id[ID_LEN_MAX];
};

enum { CERT_MAX = 8192, CERT_FINGERPRINT_LEN = 32, CERT_PIN_LEN = sizeof("sha256//") + 44 };

/* 0 or -EBADMSG. DER must be consumed wholly. */
int cert_parse_pem(const void *pem, size_t n, struct cert **out) MUSTCHECK;
int cert_parse_der(const void *der, size_t n, struct cert **out) MUSTCHECK;
void cert_free(struct cert *cert);

/* malloc'd, NUL-terminated. */
char *cert_to_pem(const struct cert *cert) MUSTCHECK;
/* malloc'd DER; *n is its length. */
uint8_t *cert_to_der(const struct cert *cert, size_t *n) MUSTCHECK;

/* SHA-256 of the DER. */
void cert_fingerprint(const struct cert *cert, uint8_t out[static CERT_FINGERPRINT_LEN]);
/* curl's "sha256//BASE64" over the SubjectPublicKeyInfo. */
void cert_pin(const struct cert *cert, char out[static CERT_PIN_LEN]);
/* -EBADMSG unless there is exactly one URI SAN and it names a gateway or device. */
int cert_identity(const struct cert *cert, struct cert_identity *out) MUSTCHECK;
int64_t cert_not_before_us(const struct cert *cert);
int64_t cert_not_after_us(const struct cert *cert);

/* Signed by `ca`, P-256, for client authentication, valid at at_us (microseconds since 1970). */
enum cert_verdict cert_verify(const struct cert *cert, const struct cert *ca, int64_t at_us) MUSTCHECK;
const char *cert_verdict_text(enum cert_verdict verdict);
/* ES256 (DER) over the bytes by the certificate's key. */
bool cert_verify_signature(const struct cert *cert, const void *p, size_t n, const void *sig, size_t n_sig) MUSTCHECK;
