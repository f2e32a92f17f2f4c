/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Entity tags (RFC 9110 section 8.8.3): an object's revision in double quotes; strong, so that If-Match works. */
#pragma once
#include "base/defs.h"

enum { ETAG_LEN = 24 };

void etag_format(int64_t revision, char out[static ETAG_LEN]);
/* Whether the value of If-Match names this revision: "*", or a list with the strong tag in it. */
bool etag_matches(const char *header, int64_t revision);
/* As above for If-None-Match, which compares weakly (section 13.1.2). */
bool etag_matches_weakly(const char *header, int64_t revision);
