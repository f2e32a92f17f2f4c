/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Answers to clients: headers that every answer carries, and problems (RFC 9457) that the front itself reports. */
#pragma once
#include "base/arena.h"
#include "server/frame/frame.h"
#include "server/front/h2o.h"

/* Codes and titles are also in server/api/problem.h, where their type resolves. */
struct answer_problem {
    int status;
    const char *code, *title, *detail;
    int retry_after_s; /* 0 = no such header */
};

/* Every answer of the host gets the security headers, the library's own errors included. */
void answer_register(h2o_hostconf_t *host, h2o_pathconf_t *path);
/* Sets status and headers; the caller goes on with h2o_start_response(). */
void answer_head(h2o_req_t *req, const struct frame_response *r, const char *request_id);
/* A complete answer. */
void answer_problem(h2o_req_t *req, const struct answer_problem *p, const char *request_id);
void answer_text(h2o_req_t *req, const char *text, const char *request_id);
/* Whether the answer to this request may have a body. */
bool answer_has_body(const h2o_req_t *req);
