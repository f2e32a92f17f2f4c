/* SPDX-License-Identifier: Apache-2.0 */
/* What posternd says when it refuses (RFC 9457), in a line for people and a code for programs. */
#pragma once
#include "agent/http.h"

/* "title: detail" of the problem, else the bare status; also for transport errors. */
void problem_text(const struct http_answer *answer, char *out, size_t cap);
/* True when the answer is a problem with this code. */
bool problem_is(const struct http_answer *answer, const char *code);
