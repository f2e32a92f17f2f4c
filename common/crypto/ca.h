/* SPDX-License-Identifier: Apache-2.0 */
/* Making certificates: the device CA, device certificates out of signing requests, self-signed TLS
 * certificates. */
#pragma once
#include "crypto/cert.h"
#include "crypto/pkey.h"

enum { CA_CSR_MAX = 8192, CA_DEVICE_DAYS = 365 };

/* Self-signed CA (20 years) for an organisation. */
struct cert *ca_make(const struct pkey *key, const char *organisation, int64_t now_us) MUSTCHECK;

/* Issues a client certificate for the key of a PEM signing request: subject and SAN are ours, nothing but the
 * key is taken from the request. Valid from five minutes ago (clocks differ) for a year. Returns 0, -EBADMSG
 * (not a request, its own signature is wrong) or -EPROTONOSUPPORT (not a P-256 key). */
int ca_issue(const struct pkey *ca_key, const struct cert *ca, const char *csr_pem, size_t n,
             const struct cert_identity *who, int64_t now_us, struct cert **out) MUSTCHECK;

/* Self-signed TLS server certificate (2 years) for DNS names and IP addresses. -EINVAL when a name is
 * neither. */
int ca_self_signed(const struct pkey *key, const char *const *names, size_t n_names, int64_t now_us,
                   struct cert **out) MUSTCHECK;
