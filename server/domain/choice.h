/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Through which gateway of a site a session goes: one that it already uses, else the least loaded one online. */
#pragma once
#include "base/defs.h"

struct candidate {
    const char *id;
    bool online, usable; /* usable: it has reported its WireGuard key and clients know where to reach it */
    bool in_use;         /* this session has a live connection to it */
    size_t load;         /* live connections of everybody */
};

/* Index of the chosen one, or -1. Ties go to the lower id, so that all nodes choose alike. */
int gateway_choose(const struct candidate *candidates, size_t n);
