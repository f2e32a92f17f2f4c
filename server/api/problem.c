/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/problem.h"
#include "base/log.h"
#include <stdarg.h>
#include <stdio.h>

#define PROBLEM_TYPE_BASE                      "/api/v1/problems/"
#define PROBLEM_ROW(name, status, code, title) {status, code, title},
static const struct {
    int status;
    const char *code, *title;
} kinds[PROBLEM_KINDS] = {PROBLEMS(PROBLEM_ROW)};

int problem_status(enum problem_kind kind)
{
    return kinds[kind].status;
}

const char *problem_code(enum problem_kind kind)
{
    return kinds[kind].code;
}

const char *problem_title(enum problem_kind kind)
{
    return kinds[kind].title;
}

static int answer(struct request *req, struct response *res, enum problem_kind kind, struct problem *p)
{
    char type[sizeof(PROBLEM_TYPE_BASE) + 64];
    snprintf(type, sizeof(type), PROBLEM_TYPE_BASE "%s", kinds[kind].code);
    p->type = type;
    p->title = kinds[kind].title;
    p->status = kinds[kind].status;
    p->code = kinds[kind].code;
    p->instance = req->id;
    res->status = kinds[kind].status;
    if (kind == PROBLEM_INTERNAL)
        log_error("request %s: %s %s failed%s%s", req->id, req->method, req->path, p->detail ? ": " : "",
                  p->detail ? p->detail : "");
    buf_reset(&res->body);
    rec_encode(&problem_rec, p, 0, &res->body);
    response_header(res, "content-type", "application/problem+json");
    return PROBLEM;
}

int problem(struct request *req, struct response *res, enum problem_kind kind, const char *detail)
{
    return answer(req, res, kind, &(struct problem){.detail = detail});
}

int problemf(struct request *req, struct response *res, enum problem_kind kind, const char *fmt, ...)
{
    char detail[1000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    return problem(req, res, kind, detail);
}

int problem_list(struct request *req, struct response *res, enum problem_kind kind, const char *detail,
                 const struct rec_errors *errors)
{
    struct problem_error at[REC_ERRORS_MAX];
    for (size_t i = 0; i < errors->n; i++)
        at[i] = (struct problem_error){errors->at[i].pointer, errors->at[i].detail};
    return answer(req, res, kind, &(struct problem){.detail = detail, .errors = at, .n_errors = errors->n});
}

int problem_fields(struct request *req, struct response *res, const struct rec_errors *errors)
{
    const struct rec_error *first = errors->n ? &errors->at[0] : NULL;
    const char *detail = first && *first->pointer ? arena_printf(req->arena, "%s: %s", first->pointer, first->detail)
                         : first                  ? first->detail
                                                  : NULL;
    return problem_list(req, res, errors->malformed ? PROBLEM_MALFORMED : PROBLEM_INVALID, detail, errors);
}

int problem_at(struct request *req, struct response *res, enum problem_kind kind, const char *pointer, const char *fmt,
               ...)
{
    char detail[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    struct problem_error at = {pointer, detail};
    return answer(req, res, kind, &(struct problem){.detail = detail, .errors = &at, .n_errors = 1});
}

int problem_stale(struct request *req, struct response *res, const struct rec *rec, const void *current)
{
    BUF_AUTO text = {0};
    rec_encode(rec, current, 0, &text);
    return answer(req, res, PROBLEM_STALE,
                  &(struct problem){.detail = "If-Match names another revision", .current = buf_str(&text)});
}

int problem_database(struct request *req, struct response *res, int error)
{
    if (error != -ENOTCONN && error != -ETIMEDOUT && error != -EAGAIN)
        return problem(req, res, PROBLEM_INTERNAL, NULL);
    response_header(res, "retry-after", "2");
    return problem(req, res, PROBLEM_UNAVAILABLE, "the database cannot be reached");
}
