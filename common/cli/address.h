/* SPDX-License-Identifier: Apache-2.0 */
/* The server's address as people are given it: https://host[:port][#pin=sha256//BASE64]. */
#pragma once
#include "base/buf.h"

struct address {
    char url[256]; /* https://host[:port], without path and slash at the end */
    char pin[64];  /* sha256//BASE64 of the TLS key, or "" = the system's certificate authorities decide */
};

/* 0, or -EINVAL with a sentence in *why. */
int address_parse(const char *text, struct address *out, const char **why) MUSTCHECK;
