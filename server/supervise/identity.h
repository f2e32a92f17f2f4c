/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The users that posternd's processes run as: their own when started as root, otherwise the caller for all. */
#pragma once
#include "server/settings/settings.h"
#include <sys/types.h>

struct identity {
    uid_t uid;
    gid_t gid;
    gid_t also; /* one more group: whose members are to read what this process makes; gid when there is none */
    char name[64];
};

struct identities {
    bool separate; /* started as root */
    struct identity core, front, db;
};

/* 0, or -ENOENT after saying which users to make and how. */
int identities_find(const struct settings *s, struct identities *out) MUSTCHECK;
/* In a child: becomes the user for good, without any capability. Returns 0 or -errno. */
int identity_become(const struct identity *who) MUSTCHECK;
/* The supervisor as root keeps only what managing children of other users needs: SETUID, SETGID, KILL. */
int capabilities_drop(void) MUSTCHECK;
