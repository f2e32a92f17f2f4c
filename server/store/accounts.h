/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Row records of statements whose rows are not nouns: who refers to an object, accounts and bearer tokens. */
#pragma once
#include "proto/nouns.h"

#define REFERRER_FIELDS(F)                                         \
    F(STR, kind, 0, 0, 32, NULL, "Kind of the object that refers") \
    F(STR, id, 0, 0, 31, NULL, "Its id")                           \
    F(STR, name, 0, 0, 254, NULL, "Its name")
REC_STRUCT(referrer, REFERRER_FIELDS)

#define CREDENTIAL_FIELDS(F)                                                \
    F(STR, id, 0, 0, 31, NULL, "Token")                                     \
    F(STR, person_id, 0, 0, 31, NULL, "Its owner")                          \
    F(STR, email, 0, 0, 254, NULL, "The owner's address")                   \
    F(BOOL, enabled, 0, 0, 0, NULL, "Whether the owner is enabled")         \
    F(ENUM, role, 0, 0, 0, role_names, "Most that the token may do")        \
    F(ENUM, person_role, 0, 0, 0, role_names, "Most that the owner may do") \
    F(STRS, scopes, 0, 0, 32, NULL, "Scopes of the token")                  \
    F(BOOL, expired, 0, 0, 0, NULL, "Whether its time is over")             \
    F(BOOL, unmarked, 0, 0, 0, NULL, "Whether its last use was noted more than a minute ago")
REC_STRUCT(credential, CREDENTIAL_FIELDS)

#define ACCOUNT_FIELDS(F)                              \
    F(STR, id, 0, 0, 31, NULL, "Person")               \
    F(STR, email, 0, 0, 254, NULL, "Address")          \
    F(STR, name, 0, 0, 64, NULL, "Name")               \
    F(ENUM, role, 0, 0, 0, role_names, "Role")         \
    F(BOOL, enabled, 0, 0, 0, NULL, "Whether enabled") \
    F(STR, hash, REC_SECRET, 0, 256, NULL, "Argon2id hash of the password, NULL without")
REC_STRUCT(account, ACCOUNT_FIELDS)
