/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTPS to posternd over libcurl's multi interface on our loop: one HTTP/2 connection that carries the state stream
 * and unary calls. The only user of curl. The handle owns its calls; callbacks run on the loop, never inside curl, so
 * they may start and cancel calls (but not free the handle).
 */
#pragma once
#include "base/loop.h"
#include "crypto/secret.h"

struct http;
struct http_call;

struct http_options {
    struct loop *loop;
    const char *base_url; /* https://host:port, without a slash at the end */
    const char *pin;      /* "sha256//BASE64": then only this key is trusted; NULL: the system's authorities */
    int stall_s;          /* a stream that is silent for so long is dead */
};

struct http_answer {
    int error;       /* 0, or -errno of the transport: then status is 0 */
    const char *why; /* transport error for people */
    int status;
    const char *body; /* NUL-terminated; "" for streams that began well */
    size_t len;
    int64_t retry_after_ms; /* 0 when not said */
};

typedef void http_done_fn(void *arg, const struct http_answer *answer);
typedef void http_data_fn(void *arg, const char *p, size_t n);

enum { HTTP_ANSWER_MAX = 1 << 20 };

struct http *http_new(const struct http_options *options) MUSTCHECK;
/* Ends all calls without calling back. */
void http_free(struct http *h);
/* Ends all calls with an error and forgets the connection: for when it is alive by name only. Curl would go on using a
 * connection whose stream has stalled. */
void http_reset(struct http *h);
/* Client certificate (PEM) and its key (PEM) for calls that are started from now on. A later certificate is for the
 * same key: that of the first call stays. */
void http_identify(struct http *h, const char *certificate, const struct secret *key);

/* One request with an answer of at most HTTP_ANSWER_MAX bytes. body may be NULL. on_done is called exactly once unless
 * the call is cancelled; then the call is gone. */
struct http_call *http_start(struct http *h, const char *method, const char *path, const char *body, size_t len,
                             int timeout_ms, http_done_fn *on_done, void *arg);
/* GET that goes on: on_data with each piece of a 200 answer, on_done when it ends. */
struct http_call *http_stream(struct http *h, const char *path, http_data_fn *on_data, http_done_fn *on_done,
                              void *arg);
/* on_done will not be called. NULL is fine. */
void http_cancel(struct http_call *call);
