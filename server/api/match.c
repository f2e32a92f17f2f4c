/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/match.h"
#include "server/api/query.h"

#define ALLOW_AGENTS (ALLOW_GATEWAY | ALLOW_DEVICE | ALLOW_SESSION)

/* Both begin with '/'; segment by segment. */
static bool path_matches(const char *pattern, const char *path, struct request *req)
{
    size_t n_args = 0;
    while (*pattern == '/' && *path == '/') {
        size_t n = strcspn(++pattern, "/"), len = strcspn(++path, "/");
        if (*pattern == '{') {
            if (len == 0 || n_args == PATH_ARGS_MAX)
                return false;
            req->args[n_args] = percent_decode(path, len, false, req->arena);
            if (!req->args[n_args++])
                return false;
        } else if (n != len || memcmp(pattern, path, n) != 0) {
            return false;
        }
        pattern += n;
        path += len;
    }
    return !*pattern && !*path;
}

static bool visible(const struct route *row, enum listener listener)
{
    return (listener == LISTENER_AGENTS) == ((row->allow & ALLOW_AGENTS) != 0);
}

enum match match_route(const struct route_table *tables, size_t n_tables, struct request *req,
                       const struct route **route, struct buf *allow)
{
    enum match result = MATCH_NONE;
    for (size_t t = 0; t < n_tables; t++)
        for (size_t i = 0; i < tables[t].n; i++) {
            const struct route *row = &tables[t].rows[i];
            if (!visible(row, req->listener) || !path_matches(row->pattern, req->path, req))
                continue;
            if (str_eq(row->method, req->method)) {
                *route = row;
                return MATCH_FOUND;
            }
            result = MATCH_PATH;
            buf_printf(allow, "%s%s", allow->len ? ", " : "", row->method);
        }
    return result;
}
