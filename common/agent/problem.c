/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/problem.h"
#include "base/str.h"
#include "proto/nouns.h"
#include <stdio.h>

enum { PROBLEM_MEMORY = 64 * 1024 };

static bool decode(const struct http_answer *answer, struct arena *arena, struct problem *out)
{
    struct rec_errors errors = {0};
    arena_init(arena, PROBLEM_MEMORY);
    return !answer->error && rec_decode(&problem_rec, REC_AGENT, answer->body, answer->len, arena, out, &errors) == 0;
}

void problem_text(const struct http_answer *answer, char *out, size_t cap)
{
    struct arena arena;
    struct problem p;
    if (answer->error) {
        snprintf(out, cap, "%s", answer->why);
        return;
    }
    if (decode(answer, &arena, &p) && (p.detail || p.title))
        snprintf(out, cap, "%s%s%s", p.title ? p.title : "", p.title && p.detail ? ": " : "", p.detail ? p.detail : "");
    else
        snprintf(out, cap, "the server answered %d", answer->status);
    arena_done(&arena);
}

bool problem_is(const struct http_answer *answer, const char *code)
{
    struct arena arena;
    struct problem p;
    bool is = decode(answer, &arena, &p) && p.code && str_eq(p.code, code);
    arena_done(&arena);
    return is;
}
