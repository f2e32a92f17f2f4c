/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The TLS context of a listener: TLS 1.2 and 1.3, ALPN, no resumption, client certificates on the agents listener. */
#pragma once
#include "base/defs.h"
#include "server/front/h2o.h"
#include <sys/stat.h>

struct front;

struct tls {
    struct stat ca; /* of the device CA file when it was read */
};

/* Reads certificate, key and (agents) device CA and uses them for new connections. On failure the old ones stay.
 * Without a device CA nobody gets in, which is not a failure. Returns 0 or -EINVAL. */
int tls_load(struct front *f) MUSTCHECK;
/* Loads again when the device CA file has changed. */
void tls_watch(struct front *f);
