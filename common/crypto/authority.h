/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posternd's identity towards agents: the device CA and the message key, kept together in one sealed file
 * that is made at the first start. The owner of the struct holds the only copy in memory.
 */
#pragma once
#include "crypto/ca.h"
#include "crypto/message.h"

struct authority {
    struct pkey *ca_key;
    struct cert *ca;
    struct message_key messages;
};

/* Loads dir/authority.sealed or makes it for this organisation. Returns 0 or -errno; -EBADMSG when it was
 * altered. */
int authority_open(struct authority *a, const struct seal *seal, const char *organisation, int64_t now_us) MUSTCHECK;
void authority_close(struct authority *a);
