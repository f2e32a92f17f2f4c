/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A setting for tests: POSTERN_TEST_HASTE=N divides the intervals of the agent protocol (heartbeats, renewals, what a
 * renewal opens, how long silence is borne), so that minutes pass in seconds. It can only shorten: where it is set by
 * mistake, grants close earlier, never later.
 */
#pragma once
#include "base/defs.h"

enum { HASTE_MAX = 60 };

/* Reads the environment and says so when it is set; -EINVAL, after logging, unless it is a whole number from 1 to
 * HASTE_MAX. To be called once, before threads are started. */
int haste_init(void) MUSTCHECK;
/* What is left of an interval; it stays as it is when nothing was set. */
int64_t haste_ms(int64_t interval_ms);
/* The same in whole seconds, at least 1. */
int haste_s(int interval_s);
