/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to posternd's REST API through libcurl: HTTPS only, no redirects, the server's key pinned where known. */
#pragma once
#include "base/buf.h"
#include "cli/address.h"
#include "cli/cli.h"

struct rest;

struct rest_answer {
    long status;    /* 0 = there was no answer */
    char etag[128]; /* "" = none */
    char retry_after[32];
    struct buf body;
    char error[512]; /* why there was no answer */
};
#define REST_ANSWER_AUTO CLEANUP(rest_answer_done) struct rest_answer

/* token may be NULL. Strings are copied. */
struct rest *rest_new(const struct address *server, const char *token, int timeout_s) MUSTCHECK;
void rest_free(struct rest *rest);
void rest_answer_done(struct rest_answer *a);

struct rest_call {
    const char *method, *path; /* path with query, from "/" */
    const char *body;          /* JSON, or NULL */
    const char *if_match;      /* ETag, or NULL */
};
/* Fills in the answer, whatever it is; false when there was none. */
bool rest_call(struct rest *rest, const struct rest_call *call, struct rest_answer *out);
/* CLI_OK for 2xx; else prints what the server said, with every pointer and the request id, and returns the exit code. */
int rest_explain(const struct cli *cli, const struct rest_answer *answer) MUSTCHECK;
/* rest_call() and rest_explain(). */
int rest_do(const struct cli *cli, struct rest *rest, const struct rest_call *call, struct rest_answer *out) MUSTCHECK;
/* Appends s percent-encoded for a path segment or query value. */
void rest_escape(const char *s, struct buf *out);
