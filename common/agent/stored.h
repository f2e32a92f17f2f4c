/* SPDX-License-Identifier: Apache-2.0 */
/* What the state folder of an agent holds, as a record. Private to common/agent. */
#pragma once
#include "agent/identity.h"

#define IDENTITY_FILE "identity.sealed"
#define KEY_FILE      "device.key"
#define NEXT_KEY_FILE "next.key" /* of an enrolment anew until it has succeeded; a repetition must come with the same */
enum { IDENTITY_MAX = 32768 };

#define STORED_IDENTITY_FIELDS(F)                                             \
    F(ENUM, kind, REC_REQUIRED, 0, 0, agent_kind_names, "What we are")        \
    F(STR, id, REC_REQUIRED, 0, 31, &rec_id, "Our identifier")                \
    F(STR, organisation, REC_REQUIRED, 0, 31, &rec_id, "Our organisation")    \
    F(STR, url, REC_REQUIRED, 8, 512, NULL, "People's listener")              \
    F(STR, agents_url, REC_REQUIRED, 8, 512, NULL, "Agents' listener")        \
    F(STR, pin, REC_OMIT_EMPTY, 52, 52, NULL, "Pin of posternd's TLS key")    \
    F(STR, certificate, REC_REQUIRED, 64, 8192, NULL, "Our certificate, PEM") \
    F(STR, ca, REC_REQUIRED, 64, 8192, NULL, "Device CA, PEM")                \
    F(BYTES, message_key, REC_REQUIRED, 32, 32, NULL, "Public key of posternd's messages")
REC_STRUCT(stored_identity, STORED_IDENTITY_FIELDS)

int identity_store(const struct seal *seal, const struct stored_identity *stored) MUSTCHECK;
