/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The system calls that a running front may make. Strangers' bytes are parsed in this process. */
#pragma once
#include "base/defs.h"

/* Installs the filter for good. Does nothing in sanitizer builds, whose runtime needs more. Returns 0 or -errno. */
int sandbox_enter(void) MUSTCHECK;
