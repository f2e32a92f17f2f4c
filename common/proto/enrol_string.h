/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enrolment string of a gateway: "pstenr_" + base64url of JSON with all that pins the first contact. posternd makes
 * it, an operator carries it, the gateway reads it once. It holds a secret: never log it, wipe what it was decoded into.
 */
#pragma once
#include "record/record.h"

enum { ENROL_STRING_MAX = 4096 };

#define ENROL_STRING_FIELDS(F)                                                                        \
    F(INT, v, REC_REQUIRED, 1, 1, NULL, "Version of the string")                                      \
    F(STR, url, REC_REQUIRED, 8, 512, NULL, "Base URL of the people's listener")                      \
    F(STR, agents_url, REC_REQUIRED, 8, 512, NULL, "Base URL of the agents' listener")                \
    F(STR, token, REC_REQUIRED | REC_SECRET, 1, 128, NULL, "One-time token")                          \
    F(STR, pin, REC_OMIT_EMPTY, 52, 52, NULL, "sha256//BASE64 of the TLS key's SubjectPublicKeyInfo") \
    F(STR, ca, REC_REQUIRED, 64, 64, NULL, "SHA-256 of the device CA certificate (DER), hex")         \
    F(BYTES, key, REC_REQUIRED, 32, 32, NULL, "Ed25519 public key of posternd's signed messages")
REC_STRUCT(enrol_string, ENROL_STRING_FIELDS)

/* Appends the string. */
void enrol_string_encode(const struct enrol_string *e, struct buf *out);
/* Surrounding white space is ignored. Returns 0, -EINVAL (not such a string), -EPROTONOSUPPORT (another version) or
 * -ENOMEM; texts live in the arena. */
int enrol_string_decode(const char *text, struct arena *a, struct enrol_string *out) MUSTCHECK;
