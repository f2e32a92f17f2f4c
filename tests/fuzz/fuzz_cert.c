/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ca.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pkey *key;
static struct cert *ca;

static void look_at(struct cert *cert)
{
    struct cert_identity who;
    char pin[CERT_PIN_LEN];
    if (cert_identity(cert, &who) == 0 && !id_valid(who.id, who.kind == CERT_GATEWAY ? "gwy" : "dev"))
        abort();
    /* Nobody but us signs below this CA. */
    if (cert_verify(cert, ca, 0) == CERT_OK || cert_verify_signature(cert, "x", 1, "y", 1))
        abort();
    cert_pin(cert, pin);
    cert_free(cert);
}

/* Certificates as PEM and DER, and the same bytes as a signing request. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cert *cert;
    struct cert_identity who = {CERT_DEVICE, "dev_01JD2Q8W6Z6T3V9XK4M5N7P8QR"};
    if (!key) {
        key = pkey_make();
        ca = ca_make(key, "fuzz", 1000000);
    }
    if (cert_parse_pem(data, size, &cert) == 0)
        look_at(cert);
    if (cert_parse_der(data, size, &cert) == 0)
        look_at(cert);
    if (ca_issue(key, ca, (const char *)data, size, &who, 1000000, &cert) == 0) {
        if (cert_verify(cert, ca, 1000000) != CERT_OK)
            abort();
        cert_free(cert);
    }
    return 0;
}
