/* SPDX-License-Identifier: Apache-2.0 */
/* Gives up every capability but CAP_NET_ADMIN: for this process and all that it starts. */
#pragma once
#include "base/defs.h"

/* Returns 0 or -errno; -EPERM when CAP_NET_ADMIN is missing. */
int privileges_drop(void) MUSTCHECK;
