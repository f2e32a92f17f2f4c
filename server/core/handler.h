/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What core gives to a handler and takes from it. A handler runs on a database worker: plain sequential code with
 * a connection of its own. Requests and responses live as long as the call; all their memory is in request->arena.
 */
#pragma once
#include "record/record.h"
#include "server/core/stream.h"
#include "server/db/db.h"

struct core;

/* Who may call a route. Bits, so that a route may admit several. There is no default. */
enum permission {
    ALLOW_ANYONE = 1 << 0,  /* no sign-in: sign-in itself, health, enrolment */
    ALLOW_MEMBER = 1 << 1,  /* any signed-in person, about themselves */
    ALLOW_AUDITOR = 1 << 2, /* reads everything */
    ALLOW_ADMIN = 1 << 3,
    ALLOW_GATEWAY = 1 << 4, /* client certificate of a gateway */
    ALLOW_DEVICE = 1 << 5,  /* client certificate of a device, nobody signed in on it */
    ALLOW_SESSION = 1 << 6, /* client certificate of a device with a signed-in person */
};

enum principal_kind { PRINCIPAL_NONE, PRINCIPAL_PERSON, PRINCIPAL_SERVICE, PRINCIPAL_GATEWAY, PRINCIPAL_DEVICE };

/* Who is asking, found by the dispatcher before the handler runs. Strings may be NULL. */
struct principal {
    enum principal_kind kind;
    unsigned allow;      /* the permission bits that this principal satisfies */
    const char *id;      /* per_… svc_… gwy_… dev_… */
    const char *name;    /* for audit: e-mail, name of token, gateway or device */
    const char *token;   /* tok_… when a token was used */
    const char *session; /* ses_… (agents with a signed-in person) */
    const char *person;  /* per_… whose device or session it is */
};

enum listener { LISTENER_PEOPLE, LISTENER_AGENTS };
enum { REQUEST_HEADERS_MAX = 100, PATH_ARGS_MAX = 4 };

struct header {
    const char *name, *value; /* name in lower case */
};

struct route;

struct request {
    struct core *core;
    struct arena *arena;
    struct db *db; /* connected; no transaction open */
    enum listener listener;
    const char *id;                    /* X-Request-Id, given or made */
    const char *method, *path, *query; /* path without query; query "" when there is none; still percent-encoded */
    struct header headers[REQUEST_HEADERS_MAX];
    size_t n_headers;
    const char *body; /* body_len bytes and a NUL */
    size_t body_len;
    const char *peer;    /* address of the caller, text */
    const uint8_t *cert; /* client certificate DER, verified against the device CA by the front; NULL without */
    size_t cert_len;
    int64_t received_ms; /* clock_boot_ms() when core got it: at_ms of streams counts from here */

    /* Set by the dispatcher. */
    const struct route *route;
    const char *args[PATH_ARGS_MAX]; /* decoded {…} parts of the path, in order */
    struct principal who;
    void *record; /* decoded body when the route has a request record, else NULL */
};

struct response {
    int status;
    struct buf headers; /* lines "name: value\n"; use response_header() */
    struct buf body;
    struct stream *stream; /* response_stream(): body is not used then */
};

/* NULL when the request has none. name in lower case. */
const char *request_header(const struct request *req, const char *name);
/* True when the caller has gone away: long work may stop. */
bool request_cancelled(const struct request *req);

void response_header(struct response *res, const char *name, const char *value);
void response_headerf(struct response *res, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Turns the answer into a stream; status 200. See server/core/stream.h for ops; ctx belongs to ops from here on.
 * The stream may be used (stream_mark…) at once; it lives until ops->closed(ctx) has returned. */
struct stream *response_stream(struct request *req, struct response *res, const char *content_type,
                               const struct stream_ops *ops, void *ctx) MUSTCHECK;

/*
 * A row of a route table. Returns 0 with res filled, or the negative errno of the database (see server/db/db.h),
 * which the dispatcher turns into a problem: -ENOTCONN and -ETIMEDOUT 503, everything else 500.
 */
typedef int handler_fn(struct request *req, struct response *res);

struct route {
    const char *method;  /* "GET" */
    const char *pattern; /* "/api/v1/sites/{id}"; {…} matches one segment */
    unsigned allow;      /* enum permission bits */
    handler_fn *run;
    const struct rec *request;  /* body, NULL = none */
    const struct rec *response; /* NULL = none or not a record */
    const char *doc;            /* one line for OpenAPI */
};
/* All columns are obligatory: a row without a permission does not compile, nor does one with 0. */
#define ROUTE(method, pattern, allow, run, request, response, doc)                                 \
    {                                                                                              \
        method, pattern, (allow) + 0 * sizeof(char[(allow) ? 1 : -1]), run, request, response, doc \
    }

struct route_table {
    const struct route *rows;
    size_t n;
};

/* What core runs; main.c fills it from server/api and server/broker. */
struct core_app {
    /* Routes, authenticates, authorises and answers; on a worker. Only called with a living database. */
    void (*dispatch)(struct request *req, struct response *res);
    /* Answers from memory while the database is away or the queue is full (health); false = core answers 503. */
    bool (*dispatch_offline)(struct request *req, struct response *res);
    /* Once, on a worker, after migrations and before the first request. When it fails (-errno) it is called again a
     * moment later, so what happens once (core_every(), hub_subscribe()) comes after what may fail. */
    int (*start)(struct core *core, struct db *db);
};
