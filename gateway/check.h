/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway needs on its host, one line each, before or while it runs. */
#pragma once
#include "base/defs.h"

struct check_options {
    const char *state_dir, *run_dir, *engine;
};

/* Prints one line per check on stdout; returns how many failed. */
int check_run(const struct check_options *options) MUSTCHECK;
