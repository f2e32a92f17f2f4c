/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of common/crypto share and nobody else sees: the OpenSSL objects behind our types. */
#pragma once
#include "base/buf.h"
#include <openssl/evp.h>
#include <openssl/x509.h>

struct pkey {
    EVP_PKEY *evp;
};

struct cert {
    X509 *x509;
};

/* Makes libsodium choose its implementations; cheap when done already. */
void crypto_setup(void);
/* A password callback that has none: PEM from outside must never make OpenSSL prompt. */
int pem_no_password(char *buf, int size, int rwflag, void *arg);
bool evp_is_p256(const EVP_PKEY *evp);
/* Takes over x509. */
struct cert *cert_wrap(X509 *x509);
