/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/answer.h"
#include "base/str.h"
#include <stdio.h>

#define CSP                                                                                               \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " \
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

struct header {
    const char *name, *value;
    bool weak; /* core's own value wins */
};

static const struct header everywhere[] = {
    {"strict-transport-security", "max-age=31536000", false},
    {"x-content-type-options", "nosniff", false},
    {"content-security-policy", CSP, false},
    {"referrer-policy", "no-referrer", false},
    {"cache-control", "no-store", true},
};

/* Headers of one hop, and those that the library writes. */
static bool is_hop(const char *name)
{
    static const char *const names[] = {"connection", "content-length",    "date",    "keep-alive",  "proxy-connection",
                                        "server",     "transfer-encoding", "upgrade", "x-request-id"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

static void on_setup(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    for (size_t i = 0; i < ARRAY_LEN(everywhere); i++)
        h2o_set_header_by_str(&req->pool, &req->res.headers, everywhere[i].name, strlen(everywhere[i].name), 1,
                              everywhere[i].value, strlen(everywhere[i].value), !everywhere[i].weak);
    h2o_setup_next_ostream(req, slot);
}

void answer_register(h2o_hostconf_t *host, h2o_pathconf_t *path)
{
    h2o_create_filter(path, sizeof(h2o_filter_t))->on_setup_ostream = on_setup;
    h2o_create_filter(&host->fallback_path, sizeof(h2o_filter_t))->on_setup_ostream = on_setup;
}

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

static void add(h2o_req_t *req, const char *name, const char *value)
{
    h2o_iovec_t n = h2o_strdup(&req->pool, name, SIZE_MAX), v = h2o_strdup(&req->pool, value, SIZE_MAX);
    h2o_add_header_by_str(&req->pool, &req->res.headers, n.base, n.len, 1, NULL, v.base, v.len);
}

void answer_head(h2o_req_t *req, const struct frame_response *r, const char *request_id)
{
    req->res.status = r->status;
    req->res.reason = reason_of(r->status);
    req->compress_hint = H2O_COMPRESS_HINT_DISABLE;
    add(req, "x-request-id", request_id);
    for (size_t i = 0; i < r->headers.n; i++)
        if (!is_hop(r->headers.items[i].name))
            add(req, r->headers.items[i].name, r->headers.items[i].value);
}

bool answer_has_body(const h2o_req_t *req)
{
    return req->res.status != 204 && req->res.status != 304 &&
           !h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));
}

static void send_all(h2o_req_t *req, const char *text, size_t len)
{
    static h2o_generator_t generator; /* nothing to do when it is stopped */
    h2o_iovec_t body = h2o_strdup(&req->pool, text, len);
    req->res.content_length = len;
    h2o_start_response(req, &generator);
    h2o_send(req, &body, answer_has_body(req) ? 1 : 0, H2O_SEND_STATE_FINAL);
}

void answer_problem(h2o_req_t *req, const struct answer_problem *p, const char *request_id)
{
    char retry[16], text[512];
    struct frame_field fields[] = {{"content-type", "application/problem+json"}, {"retry-after", retry}};
    struct frame_response r = {.status = (uint16_t)p->status, .headers = {fields, p->retry_after_s ? 2 : 1}};
    snprintf(retry, sizeof(retry), "%d", p->retry_after_s);
    int n = snprintf(text, sizeof(text),
                     "{\"type\":\"/api/v1/problems/%s\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\","
                     "\"detail\":\"%s\",\"instance\":\"%s\"}",
                     p->code, p->title, p->status, p->code, p->detail, request_id);
    answer_head(req, &r, request_id);
    send_all(req, text, MIN((size_t)n, sizeof(text) - 1));
}

void answer_text(h2o_req_t *req, const char *text, const char *request_id)
{
    struct frame_field type = {"content-type", "text/plain; charset=utf-8"};
    struct frame_response r = {.status = 200, .headers = {&type, 1}};
    answer_head(req, &r, request_id);
    send_all(req, text, strlen(text));
}
