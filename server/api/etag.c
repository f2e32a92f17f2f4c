/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/etag.h"
#include <inttypes.h>
#include <stdio.h>

void etag_format(int64_t revision, char out[static ETAG_LEN])
{
    snprintf(out, ETAG_LEN, "\"%" PRId64 "\"", revision);
}

static bool in_list(const char *header, int64_t revision, bool weakly)
{
    char tag[ETAG_LEN];
    etag_format(revision, tag);
    size_t n = strlen(tag);
    for (const char *s = header + strspn(header, " \t,"); *s; s += strspn(s, " \t,")) {
        if (weakly && s[0] == 'W' && s[1] == '/')
            s += 2;
        size_t len = strcspn(s, " \t,");
        if ((len == n && memcmp(s, tag, n) == 0) || (len == 1 && *s == '*'))
            return true;
        s += len;
    }
    return false;
}

bool etag_matches(const char *header, int64_t revision)
{
    return in_list(header, revision, false);
}

bool etag_matches_weakly(const char *header, int64_t revision)
{
    return in_list(header, revision, true);
}
