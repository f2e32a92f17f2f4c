/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Handlers of list, read, create, change and delete for any noun; the route's pattern says which (noun_of). */
#pragma once
#include "server/api/noun.h"

handler_fn crud_list, crud_get, crud_create, crud_patch, crud_delete;

/* Answers with the object and its ETag. Returns 0. */
int crud_answer(struct response *res, const struct noun *noun, int status, const void *object);
/* The object of args[0], locked until the transaction ends. Returns 0, an error, or PROBLEM after answering 404. */
int crud_lock(struct request *req, struct response *res, const struct noun *noun, void **object) MUSTCHECK;
/* Reads it again after a write, tells hub and audit. before = NULL: created. Returns 0 or an error. */
int crud_written(struct request *req, const struct noun *noun, const char *action, const void *before,
                 void **after) MUSTCHECK;
/* Runs `step` in a transaction (again on -EAGAIN) and maps what the database refused to a problem. Returns 0, an
 * error, or PROBLEM. */
typedef int crud_step(struct request *req, struct response *res, const struct noun *noun, void *arg);
int crud_transact(struct request *req, struct response *res, const struct noun *noun, crud_step *step,
                  void *arg) MUSTCHECK;
/* Whether the request was refused with 428 or 412 because of its If-Match. */
bool crud_refused_stale(struct request *req, struct response *res, const struct noun *noun, const void *current);
