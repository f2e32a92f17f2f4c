/* SPDX-License-Identifier: Apache-2.0 */
/* A naive engine: holds a device, plays `set=1` text line by line and prints itself as `get=1` does. */
#pragma once
#include "test.h"
#include "wireguard/uapi.h"

/* A device over few keys and few prefixes, so that they move between peers often. */
void model_random(struct wg_device *d, struct test_rng *rng);
int model_set(struct wg_device *d, const char *text);
void model_get(const struct wg_device *d, struct buf *out);
void model_assert_equal(const struct wg_device *a, const struct wg_device *b);
