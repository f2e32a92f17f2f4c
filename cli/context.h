/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who posternctl is for which server: one 0600 file per context below $POSTERN_CONFIG_DIR, $XDG_CONFIG_HOME/postern
 * or ~/.config/postern.
 */
#pragma once
#include "record/record.h"

#define CONTEXT_FIELDS(F)                                                                 \
    F(STR, url, REC_REQUIRED, 1, 255, NULL, "https://host:port")                          \
    F(STR, pin, REC_OMIT_EMPTY, 0, 63, NULL, "sha256//BASE64 of the server's TLS key")    \
    F(STR, token, REC_REQUIRED | REC_SECRET, 1, 256, NULL, "Bearer token of the sign-in") \
    F(STR, email, REC_OMIT_EMPTY, 0, 254, NULL, "Who signed in")                          \
    F(TIME, expires_at, REC_OMIT_EMPTY, 0, 0, NULL, "When the sign-in ends")
REC_STRUCT(context, CONTEXT_FIELDS)

/* Path of the context's file in out. 0, or -EINVAL when the name is no plain word or no directory is known. */
int context_path(const char *name, struct buf *out) MUSTCHECK;
/* Strings live in the arena. 0, -ENOENT, -EPERM when others can read the file, -EBADMSG or another -errno. */
int context_load(const char *name, struct arena *a, struct context *out) MUSTCHECK;
int context_save(const char *name, const struct context *c) MUSTCHECK;
int context_remove(const char *name) MUSTCHECK;
