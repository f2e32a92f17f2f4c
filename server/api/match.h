/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Finding the route of a request. */
#pragma once
#include "server/core/handler.h"

enum match {
    MATCH_FOUND, /* *route, and the {…} parts of the path decoded into args */
    MATCH_PATH,  /* the path is known, the method is not: methods are listed in allow */
    MATCH_NONE,
};

/* args live in the arena. Rows for agents' certificates are seen by the agents' listener only, all others by the
 * people's only. */
enum match match_route(const struct route_table *tables, size_t n_tables, struct request *req,
                       const struct route **route, struct buf *allow) MUSTCHECK;
