/* SPDX-License-Identifier: Apache-2.0 */
/* One question and its answer over a UAPI socket, bounded in time and size. Private to common/wireguard. */
#pragma once
#include "base/buf.h"
#include <sys/types.h>

struct wire_peer {
    pid_t pid;
    uid_t uid;
};

/* Connects; returns a descriptor or -errno (-ENOENT: no socket, -ECONNREFUSED: left over). peer may be NULL.
 */
int wire_connect(const char *path, struct wire_peer *peer) MUSTCHECK;
/* Sends the text and reads up to the empty line that ends an answer. Returns 0 or -errno; -EMSGSIZE beyond
 * max. The answer may hold private keys: wipe it. */
int wire_exchange(const char *path, const struct buf *question, int timeout_ms, size_t max,
                  struct buf *answer) MUSTCHECK;
/* Overwrites the text and frees it; for CLEANUP(). */
void wire_wipe(struct buf *b);
