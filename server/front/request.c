/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/request.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "server/front/answer.h"
#include "server/front/exchange.h"
#include "server/front/state.h"

enum { HEAD_MAX = 48 << 10, REQUEST_ID_MAX = 64 };

static const struct answer_problem not_found = {404, "not_found", "There is no such thing", "Not at this path.", 0};
static const struct answer_problem too_large = {413, "body_too_large", "The request body is too large",
                                                "The limit is 1 MiB.", 0};

struct handler {
    h2o_handler_t super; /* first */
    struct front *front;
};

/* The only request headers that core gets to see. */
static bool is_passed(const h2o_iovec_t *name)
{
    static const char *const names[] = {"accept",      "authorization",  "content-type",    "cookie",
                                        "if-match",    "if-none-match",  "idempotency-key", "origin",
                                        "traceparent", "sec-fetch-site", "user-agent",      "x-postern-request"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (h2o_memis(name->base, name->len, names[i], strlen(names[i])))
            return true;
    return false;
}

/* Text from a stranger as a C string; NULL when it holds a NUL or the arena is full. */
static const char *text_of(struct arena *a, const char *p, size_t len)
{
    return len && memchr(p, 0, len) ? NULL : arena_strndup(a, p, len);
}

static int fill_headers(struct arena *a, const h2o_req_t *req, struct frame_fields *out)
{
    struct frame_field *items = arena_array(a, req->headers.size, sizeof(*items));
    size_t n = 0;
    if (!items)
        return -EINVAL;
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *h = &req->headers.entries[i];
        if (!is_passed(h->name))
            continue;
        items[n].name = text_of(a, h->name->base, h->name->len);
        items[n].value = text_of(a, h->value.base, h->value.len);
        if (!items[n].name || !items[n].value)
            return -EINVAL;
        n++;
    }
    *out = (struct frame_fields){items, n};
    return 0;
}

static int fill_target(struct arena *a, const h2o_req_t *req, struct frame_request *r)
{
    const char *p = req->input.path.base;
    size_t len = req->input.path.len;
    const char *mark = memchr(p, '?', len);
    size_t n_path = mark ? (size_t)(mark - p) : len;
    r->path = text_of(a, p, n_path);
    r->method = text_of(a, req->input.method.base, req->input.method.len);
    if (mark)
        r->query = text_of(a, mark + 1, len - n_path - 1);
    return r->path && r->method && (!mark || r->query) ? 0 : -EINVAL;
}

static int fill(struct arena *a, struct conn *c, h2o_req_t *req, struct frame_request *r)
{
    const char *tls = h2o_socket_get_ssl_protocol_version(c->sock);
    r->peer = c->peer;
    r->tls = tls ? tls : "none";
    if (req->entity.base)
        r->body = (struct frame_bytes){req->entity.base, req->entity.len};
    if (c->certificate.len)
        r->certificate = (struct frame_bytes){c->certificate.data, c->certificate.len};
    int err = fill_target(a, req, r);
    return err ? err : fill_headers(a, req, &r->headers);
}

int request_send(struct front *f, struct conn *c, h2o_req_t *req, uint64_t stream, const char *request_id)
{
    struct frame frame = {.type = FRAME_REQUEST, .stream = stream, .request = {.request_id = request_id}};
    struct arena a;
    arena_init(&a, HEAD_MAX);
    int r = fill(&a, c, req, &frame.request);
    if (!r)
        r = link_send(f, &frame);
    arena_done(&a);
    return r;
}

static bool id_byte_ok(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
}

/* The client's own id when it is one that logs and headers can carry, otherwise a fresh one. */
static const char *request_id_of(h2o_req_t *req)
{
    ssize_t at = h2o_find_header_by_str(&req->headers, H2O_STRLIT("x-request-id"), -1);
    size_t n = 0;
    if (at >= 0) {
        const h2o_iovec_t *v = &req->headers.entries[at].value;
        while (n < v->len && id_byte_ok(v->base[n]))
            n++;
        if (n && n == v->len && n <= REQUEST_ID_MAX)
            return h2o_strdup(&req->pool, v->base, v->len).base;
    }
    char *id = h2o_mem_alloc_pool(&req->pool, ID_LEN_MAX);
    id_new("req", clock_wall_ms(), id);
    return id;
}

/* Strangers' paths and agents' paths never meet: the agents listener serves agents only. */
static bool is_served(const struct front *f, const char *path, size_t len)
{
    static const char *const people[] = {"/api/", "/agent/", "/.well-known/"};
    static const char *const agents[] = {"/agent/"};
    const char *const *prefixes = f->config->listener == FRAME_AGENTS ? agents : people;
    size_t n = f->config->listener == FRAME_AGENTS ? ARRAY_LEN(agents) : ARRAY_LEN(people);
    for (size_t i = 0; i < n; i++)
        if (len > strlen(prefixes[i]) && !memcmp(path, prefixes[i], strlen(prefixes[i])))
            return true;
    return h2o_memis(path, len, H2O_STRLIT("/readyz"));
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    struct front *f = ((struct handler *)self)->front;
    struct conn *c = conn_of_request(req);
    const char *id = request_id_of(req), *path = req->input.path.base;
    const char *mark = memchr(path, '?', req->input.path.len);
    size_t len = mark ? (size_t)(mark - path) : req->input.path.len;
    if (h2o_memis(path, len, H2O_STRLIT("/livez")))
        answer_text(req, "ok\n", id);
    else if (!c || !is_served(f, path, len))
        answer_problem(req, &not_found, id);
    else if (req->entity.len > f->limits.body_max)
        answer_problem(req, &too_large, id);
    else
        exchange_start(f, c, req, id);
    return 0;
}

void request_register(struct front *f, h2o_pathconf_t *path)
{
    struct handler *h = (struct handler *)h2o_create_handler(path, sizeof(*h));
    h->super.on_req = on_req;
    h->front = f;
}
