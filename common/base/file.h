/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read with a size limit, replace atomically and durably. */
#pragma once
#include "base/buf.h"
#include <sys/types.h>

/* Reads the whole file; returns 0 or -errno, -EFBIG beyond max bytes. */
int file_read(const char *path, size_t max, struct buf *out) MUSTCHECK;
/* Writes path.tmp, fsyncs, renames over path and fsyncs the directory: after a crash there is the old or the new
 * content, never a part. Returns 0 or -errno. */
int file_replace(const char *path, const void *p, size_t n, mode_t mode) MUSTCHECK;
/* mkdir -p with the mode for missing parts; 0 when it is there already. */
int dir_make(const char *path, mode_t mode) MUSTCHECK;
