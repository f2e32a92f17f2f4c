/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Answers that say no: problem+json (RFC 9457) with a stable code. A handler that has answered with a problem
 * returns PROBLEM, which also rolls its transaction back; the dispatcher takes that for an answered request.
 */
#pragma once
#include "proto/nouns.h"
#include "server/core/handler.h"

/* name, status, code, title. Codes are part of the interface: never changed, only added.
 * Some are given by the front alone. */
#define PROBLEMS(P)                                                                                \
    P(BAD_REQUEST, 400, "bad_request", "The request cannot be understood")                         \
    P(MALFORMED, 400, "malformed_json", "The body is not well-formed JSON")                        \
    P(CURSOR_INVALID, 400, "cursor_invalid", "The cursor was not made by this server")             \
    P(CURSOR_MISMATCH, 400, "cursor_mismatch", "The cursor belongs to another list or filter")     \
    P(FILTER_INVALID, 400, "filter_invalid", "The filter cannot be applied")                       \
    P(UNAUTHENTICATED, 401, "unauthenticated", "Sign in first")                                    \
    P(SIGN_IN_FAILED, 401, "sign_in_failed", "The address or the password is wrong")               \
    P(FORBIDDEN, 403, "forbidden", "You may not do this")                                          \
    P(SCOPE_MISSING, 403, "scope_missing", "The token's scopes do not cover this")                 \
    P(CERTIFICATE_UNKNOWN, 403, "certificate_unknown", "This certificate is not honoured here")    \
    P(CERTIFICATE_EXPIRED, 403, "certificate_expired", "This certificate's time is over")          \
    P(DEVICE_BLOCKED, 403, "device_blocked", "This device is blocked")                             \
    P(ENROLMENT_REFUSED, 403, "enrolment_refused", "The enrolment token is not good for anything") \
    P(ENROLMENT_EXPIRED, 403, "enrolment_expired", "The enrolment string's time is over")          \
    P(SETUP_REFUSED, 403, "setup_refused", "Set-up is over or the set-up token is wrong")          \
    P(NOT_FOUND, 404, "not_found", "There is no such thing")                                       \
    P(METHOD_NOT_ALLOWED, 405, "method_not_allowed", "This path does not take that method")        \
    P(CONFLICT, 409, "conflict", "Another object stands in the way")                               \
    P(ENROLMENT_USED, 409, "enrolment_used", "The enrolment string was used before")               \
    P(CONNECTION_OVER, 409, "connection_over", "The connection is not waiting for this any more")  \
    P(REFERENCED, 409, "referenced", "Other objects refer to this one")                            \
    P(LAST_ADMIN, 409, "last_admin", "There must be an enabled administrator")                     \
    P(REVISION_EXPIRED, 410, "revision_expired", "Changes since that revision are not kept")       \
    P(STALE, 412, "stale", "The object has changed since you read it")                             \
    P(BODY_TOO_LARGE, 413, "body_too_large", "The request body is too large")                      \
    P(UNSUPPORTED_MEDIA, 415, "unsupported_media_type", "The body must be JSON")                   \
    P(INVALID, 422, "invalid", "Some fields are not right")                                        \
    P(SIGNATURE_WRONG, 422, "signature_wrong", "The signature does not fit")                       \
    P(IF_MATCH_MISSING, 428, "if_match_missing", "Say which revision you mean with If-Match")      \
    P(TOO_MANY, 429, "too_many_attempts", "Too many attempts")                                     \
    P(TOO_MANY_REQUESTS, 429, "too_many_requests", "Too many requests at a time")                  \
    P(INTERNAL, 500, "internal", "Something is wrong with this server")                            \
    P(OVERLOADED, 503, "overloaded", "The server has too much to do")                              \
    P(TIMEOUT, 503, "timeout", "The server took too long")                                         \
    P(UNAVAILABLE, 503, "unavailable", "The server cannot do this right now")

#define PROBLEM_NAME(name, status, code, title) PROBLEM_##name,
enum problem_kind { PROBLEMS(PROBLEM_NAME) PROBLEM_KINDS };
#undef PROBLEM_NAME

enum { PROBLEM = 1 }; /* what a handler returns after problem_*() */

/* Answer with a problem; detail says this case in words, NULL = none. Returns PROBLEM. */
int problem(struct request *req, struct response *res, enum problem_kind kind, const char *detail);
int problemf(struct request *req, struct response *res, enum problem_kind kind, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* 422, or 400 when the text was no JSON, with what is wrong and where. */
int problem_fields(struct request *req, struct response *res, const struct rec_errors *errors);
/* Any kind with a list of what is wrong. */
int problem_list(struct request *req, struct response *res, enum problem_kind kind, const char *detail,
                 const struct rec_errors *errors);
/* With one pointer. */
int problem_at(struct request *req, struct response *res, enum problem_kind kind, const char *pointer, const char *fmt,
               ...) PRINTF_LIKE(5, 6);
/* 412 with the object as it is. */
int problem_stale(struct request *req, struct response *res, const struct rec *rec, const void *current);
/* What the database said (server/db/db.h): 503 or 500. */
int problem_database(struct request *req, struct response *res, int error);

int problem_status(enum problem_kind kind);
const char *problem_code(enum problem_kind kind);
const char *problem_title(enum problem_kind kind);
