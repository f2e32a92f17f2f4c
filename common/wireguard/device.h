/* SPDX-License-Identifier: Apache-2.0 */
/* Building a device in any order of peers, sorted once at the end. Private to common/wireguard. */
#pragma once
#include "wireguard/uapi.h"

struct wg_peer *wg_device_append(struct wg_device *d);
/* Returns 0, or -EBADMSG when two peers have the same key. */
int wg_device_sort(struct wg_device *d) MUSTCHECK;
