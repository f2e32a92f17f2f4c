/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The REST API: routes a request to its row, finds out who asks, refuses who may not, decodes the body, runs the
 * handler and answers. Other route tables (the broker's) are registered before core runs.
 */
#pragma once
#include "server/api/cursor.h"
#include "server/core/core.h"

enum { API_TABLES_MAX = 4 };

/* Registers the API's own rows. First of all, once. */
void api_init(void);
/* Rows beyond the API's own; they stay with the caller. Before core_run(). */
void api_register(const struct route *rows, size_t n);
/* Who an agent is, by its client certificate: fills req->who. Returns 0, an error of the database, or 1 after
 * answering. Before core_run(). */
void api_set_agent_principal(int (*find)(struct request *req, struct response *res));

/* For struct core_app. */
void api_dispatch(struct request *req, struct response *res);
bool api_dispatch_offline(struct request *req, struct response *res);
int api_start(struct core *core, struct db *db);

/* The whole route table, own rows first. */
size_t api_n_tables(void);
struct route_table api_table(size_t i);
const uint8_t *api_cursor_key(void);
/* OpenAPI 3.1 of all rows below /api/v1, also for `posternd openapi`. */
void api_openapi(struct buf *out);
