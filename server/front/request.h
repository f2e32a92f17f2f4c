/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* From an HTTP request to a REQUEST frame: which paths, which headers, how large. */
#pragma once
#include "server/front/conn.h"

/* The handler of all paths. */
void request_register(struct front *f, h2o_pathconf_t *path);
/* Encodes and queues the request. Errors as link_send(). */
int request_send(struct front *f, struct conn *c, h2o_req_t *req, uint64_t stream, const char *request_id) MUSTCHECK;
