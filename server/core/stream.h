/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A watch stream: level-triggered, one dirty flag and the credit of the front, never a queue. When it is dirty and
 * the front has taken the last data, render() runs on a database worker and says what is new since it last ran.
 * The I/O thread owns the object; others may hold references.
 */
#pragma once
#include "base/buf.h"
#include "server/db/db.h"

struct stream;

struct stream_ops {
    /* On a worker, never twice at a time for one stream. Appends what is to be sent now; nothing is fine too.
     * Returns 0; -ENODATA: send what is in out, then end the stream; -ENOTCONN: database gone, tried again after a
     * while with out dropped; any other error ends the stream. */
    int (*render)(struct stream *stream, void *ctx, struct db *db, struct buf *out);
    /* Once, when the client went away or the stream ended; no render() is running or will run. Frees ctx. On
     * the I/O thread: must not wait for anything. */
    void (*closed)(void *ctx);
};

/* From any thread that holds a reference or is inside render(): something may have changed. */
void stream_mark(struct stream *stream);
/* Marks it delay_ms from now (heartbeats, expiry); a later call replaces an earlier one. From any thread. */
void stream_mark_after(struct stream *stream, int64_t delay_ms);
/* A reference keeps the memory, not the stream: marking a closed stream does nothing. */
struct stream *stream_ref(struct stream *stream);
void stream_unref(struct stream *stream);
