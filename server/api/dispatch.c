/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/dispatch.h"
#include "base/str.h"
#include "server/api/api.h"
#include "server/api/hooks.h"
#include "server/api/match.h"
#include "server/api/problem.h"
#include "server/api/routes.h"
#include "server/identity/identity.h"
#include "server/settings/settings.h"
#include <strings.h>

static struct route_table tables[API_TABLES_MAX];
static size_t n_tables;
static int (*agent_principal)(struct request *req, struct response *res);

void api_register(const struct route *rows, size_t n)
{
    if (n_tables == API_TABLES_MAX)
        abort();
    tables[n_tables++] = (struct route_table){rows, n};
}

void api_set_agent_principal(int (*find)(struct request *req, struct response *res))
{
    agent_principal = find;
}

void api_init(void)
{
    api_register(api_routes, n_api_routes);
}

size_t api_n_tables(void)
{
    return n_tables;
}

struct route_table api_table(size_t i)
{
    return tables[i];
}

int answer_record(struct response *res, int status, const struct rec *rec, const void *record)
{
    res->status = status;
    response_header(res, "content-type", "application/json");
    buf_reset(&res->body);
    rec_encode(rec, record, 0, &res->body);
    return 0;
}

static int unauthenticated(struct request *req, struct response *res, bool given)
{
    response_header(res, "www-authenticate",
                    given ? "Bearer realm=\"postern\", error=\"invalid_token\"" : "Bearer realm=\"postern\"");
    return problem(req, res, PROBLEM_UNAUTHENTICATED,
                   given ? "the token is unknown, expired or its owner disabled" : "send a bearer token");
}

static int authenticate_person(struct request *req, struct response *res, struct identity_scopes *scopes)
{
    const char *header = request_header(req, "authorization");
    if (!header)
        return unauthenticated(req, res, false);
    if (strncasecmp(header, "bearer ", 7) != 0)
        return unauthenticated(req, res, true);
    int r = identity_bearer(req->db, req->arena, header + 7 + strspn(header + 7, " "), &req->who, scopes);
    return r == -ENOENT ? unauthenticated(req, res, true) : r;
}

static int authenticate(struct request *req, struct response *res, struct identity_scopes *scopes)
{
    if (req->route->allow & ALLOW_ANYONE)
        return 0;
    if (req->listener == LISTENER_PEOPLE)
        return authenticate_person(req, res, scopes);
    if (!agent_principal)
        return problem(req, res, PROBLEM_FORBIDDEN, NULL);
    return agent_principal(req, res);
}

static bool is_read(const struct request *req)
{
    return str_eq(req->method, "GET");
}

/* Scopes name the part of the path after /api/v1/. What everybody may do about themselves needs none: then noun is "". */
static void noun_of_scope(const struct request *req, char noun[static 32])
{
    *noun = '\0';
    if (req->listener == LISTENER_AGENTS || req->route->allow & (ALLOW_ANYONE | ALLOW_MEMBER) ||
        !str_starts(req->route->pattern, "/api/v1/"))
        return;
    const char *part = req->route->pattern + strlen("/api/v1/");
    str_copy(noun, MIN((size_t)32, strcspn(part, "/") + 1), part);
}

static int refuse_role(struct request *req, struct response *res)
{
    if (req->listener == LISTENER_AGENTS)
        return problem(req, res, PROBLEM_FORBIDDEN, NULL);
    return problemf(req, res, PROBLEM_FORBIDDEN, "this needs the role %s",
                    role_names[req->route->allow & ALLOW_AUDITOR ? ROLE_AUDITOR : ROLE_ADMIN]);
}

static int authorise(struct request *req, struct response *res, const struct identity_scopes *scopes)
{
    if (!(req->route->allow & (req->who.allow | ALLOW_ANYONE)))
        return refuse_role(req, res);
    char noun[32];
    noun_of_scope(req, noun);
    if (*noun && !identity_scopes_cover(scopes, noun, !is_read(req)))
        return problemf(req, res, PROBLEM_SCOPE_MISSING, "this needs the scope %s:%s", noun,
                        is_read(req) ? "read" : "write");
    return 0;
}

static bool is_json(const struct request *req)
{
    const char *type = request_header(req, "content-type");
    size_t n = type ? strcspn(type, "; ") : 0;
    static const char json[] = "application/json", patch[] = "application/merge-patch+json";
    return (n == strlen(json) && strncasecmp(type, json, n) == 0) ||
           (str_eq(req->method, "PATCH") && n == strlen(patch) && strncasecmp(type, patch, n) == 0);
}

/* The body of a PATCH is decoded by its handler, onto the object. */
static int decode_body(struct request *req, struct response *res)
{
    const struct rec *rec = req->route->request;
    if (!rec) {
        if (req->body_len && !is_read(req) && !(req->body_len == 2 && memcmp(req->body, "{}", 2) == 0))
            return problem(req, res, PROBLEM_BAD_REQUEST, "this request takes no body");
        return 0;
    }
    if (!is_json(req))
        return problem(req, res, PROBLEM_UNSUPPORTED_MEDIA, "send content-type: application/json");
    if (str_eq(req->method, "PATCH"))
        return 0;
    struct rec_errors errors = {0};
    enum rec_mode mode = str_starts(req->path, "/agent/") ? REC_AGENT : REC_CREATE;
    if (!(req->record = arena_alloc(req->arena, rec->size)))
        return -ENOMEM;
    int r = rec_decode(rec, mode, req->body, req->body_len, req->arena, req->record, &errors);
    return r == -EBADMSG ? problem_fields(req, res, &errors) : r;
}

/* No change takes a parameter yet. One that was meant to soften it (dry_run) must not be passed over in silence. */
static int refuse_query(struct request *req, struct response *res)
{
    if (is_read(req) || !*req->query)
        return 0;
    return problem(req, res, PROBLEM_BAD_REQUEST, "this request takes no query parameters");
}

static int find(struct request *req, struct response *res)
{
    /* The front leaves the body out of the answer (RFC 9110 section 9.3.2). */
    if (str_eq(req->method, "HEAD"))
        req->method = "GET";
    BUF_AUTO allow = {0};
    switch (match_route(tables, n_tables, req, &req->route, &allow)) {
    case MATCH_FOUND:
        return 0;
    case MATCH_PATH:
        response_header(res, "allow", buf_str(&allow));
        return problemf(req, res, PROBLEM_METHOD_NOT_ALLOWED, "allowed here: %s", buf_str(&allow));
    case MATCH_NONE:
        break;
    }
    return problem(req, res, PROBLEM_NOT_FOUND, "no such path");
}

static int serve(struct request *req, struct response *res)
{
    struct identity_scopes scopes = {0};
    int r = find(req, res);
    if (!r)
        r = authenticate(req, res, &scopes);
    if (!r)
        r = authorise(req, res, &scopes);
    if (!r)
        r = refuse_query(req, res);
    if (!r)
        r = decode_body(req, res);
    return r ? r : req->route->run(req, res);
}

void api_dispatch(struct request *req, struct response *res)
{
    response_header(res, "cache-control", "no-store");
    int r = serve(req, res);
    if (r < 0)
        problem_database(req, res, r);
}

/* Only what needs no database; readiness then is a plain no. */
bool api_dispatch_offline(struct request *req, struct response *res)
{
    static handler_fn *const pure[] = {livez_get, configuration_get, openapi_get, problem_get};
    BUF_AUTO allow = {0};
    if (match_route(tables, n_tables, req, &req->route, &allow) != MATCH_FOUND)
        return false;
    response_header(res, "cache-control", "no-store");
    if (req->route->run == readyz_get)
        return answer_record(res, 503, &readiness_rec, &(struct readiness){.ready = false}) == 0;
    for (size_t i = 0; i < ARRAY_LEN(pure); i++)
        if (req->route->run == pure[i])
            return req->route->run(req, res) >= 0;
    return false;
}
