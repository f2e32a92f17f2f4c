/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the kernel; aborts when there are none. */
#pragma once
#include "base/defs.h"

void rng_bytes(void *p, size_t n);
/* Uniform in [0, bound); bound > 0. */
uint64_t rng_below(uint64_t bound);
