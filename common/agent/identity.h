/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this agent is, on disk: the sealed device key, the certificate, and what enrolment has taught it about its
 * posternd. Everything lies in one state folder (0700) and is owned by the struct.
 */
#pragma once
#include "crypto/cert.h"
#include "crypto/message.h"
#include "crypto/pkey.h"
#include "proto/agent.h"

struct identity {
    struct seal seal;
    struct pkey *key;
    struct cert *cert, *ca;
    enum agent_kind kind;
    char id[ID_LEN_MAX], organisation[ID_LEN_MAX];
    uint8_t message_key[MESSAGE_KEY_LEN];
    char url[513], agents_url[513];
    char pin[CERT_PIN_LEN]; /* "" = the system's authorities */
};

/* Loads what identity_enrol() has stored. 0, -ENOENT (not enrolled) or -errno; -EBADMSG when a file was altered. */
int identity_open(struct identity *id, const char *dir) MUSTCHECK;
void identity_close(struct identity *id);

/* Checks an enrolment's or renewal's certificate: of this CA, now valid, for our key, of the right kind. Returns NULL
 * or what is wrong. */
const char *identity_check_certificate(const struct cert *cert, const struct cert *ca, const struct pkey *key,
                                       enum agent_kind kind, int64_t now_us) MUSTCHECK;
/* Stores a renewed certificate and uses it from now on; takes it over. */
int identity_renew(struct identity *id, struct cert *cert) MUSTCHECK;

struct enrolment_plan {
    const char *dir;
    const char *url;                   /* people's listener */
    const char *pin;                   /* NULL = the system's authorities */
    const char *ca_sha256;             /* hex; NULL when nobody told it beforehand */
    const uint8_t *message_key;        /* likewise */
    const struct enroll_request *from; /* all but csr */
    bool anew;                         /* in place of an enrolment that is there; it stays unless this one succeeds */
};
enum { ENROL_WHY_MAX = 512 };
/* Makes the key when there is none, asks for a certificate and stores what it learns; blocks for at most 30 s. Returns
 * 0, -EEXIST (enrolled already and not to be anew), -EACCES (refused), -EKEYREJECTED (not the posternd that was promised) or -errno;
 * `why` tells people. */
int identity_enrol(const struct enrolment_plan *plan, char why[static ENROL_WHY_MAX]) MUSTCHECK;

enum { BOOT_ID_LEN = 37 };
/* The kernel's boot id; false when it is hidden from us (ProcSubset=pid), then out is "". */
bool boot_id(char out[static BOOT_ID_LEN]);
