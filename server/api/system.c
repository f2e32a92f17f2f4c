/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the server says about itself. */
#include "base/log.h"
#include "server/api/api.h"
#include "server/api/dispatch.h"
#include "server/api/hooks.h"
#include "server/api/query.h"
#include "server/api/urls.h"
#include "server/core/keys.h"
#include "server/identity/identity.h"
#include "server/settings/settings.h"

static const uint8_t *cursor_key;

const uint8_t *api_cursor_key(void)
{
    return cursor_key;
}

int api_start(struct core *core, struct db *db)
{
    struct arena a;
    cursor_key = core_keys(core)->cursor_key;
    arena_init(&a, 4096);
    const char *url = url_to_tell(core_settings(core), core_keys(core)->tls_pin, &a);
    log_info("people reach this server at %s", url ? url : "an address that is too long");
    arena_done(&a);
    return identity_prepare_setup(db, core_settings(core)->data_dir);
}

int livez_get(struct request *req, struct response *res)
{
    res->status = 200;
    response_header(res, "content-type", "text/plain");
    buf_puts(&res->body, "ok\n");
    return 0;
}

int readyz_get(struct request *req, struct response *res)
{
    struct query query;
    const char *why;
    char revision[REVISION_TEXT_LEN];
    struct hub_state state = hub_state(core_hub(req->core));
    revision_format(state.epoch, state.revision, revision);
    struct ready_check checks[] = {
        {"database", true, "a worker is connected"},
        {"changes", true, revision},
    };
    bool verbose = !query_parse(req->query, req->arena, &query, &why) && query_get(&query, "verbose");
    return answer_record(res, 200, &readiness_rec, &(struct readiness){true, checks, verbose ? ARRAY_LEN(checks) : 0});
}

int configuration_get(struct request *req, struct response *res)
{
    const struct settings *settings = core_settings(req->core);
    const char *methods[8] = {NULL};
    size_t n = 0;
    for (const struct identity_provider *const *p = identity_providers; *p && n < ARRAY_LEN(methods); p++)
        methods[n++] = (*p)->name;
    const char *base = url_of_people(settings, req->arena);
    return answer_record(
        res, 200, &configuration_rec,
        &(struct configuration){.organisation = core_keys(req->core)->organisation,
                                .version = POSTERN_VERSION,
                                .api_url = arena_printf(req->arena, "%s/api/v1", base),
                                .openapi_url = arena_printf(req->arena, "%s/api/v1/openapi.json", base),
                                .agents_url = url_of_agents(settings, req->arena),
                                .sign_in_methods = methods,
                                .n_sign_in_methods = n});
}

int problem_get(struct request *req, struct response *res)
{
    for (int kind = 0; kind < PROBLEM_KINDS; kind++)
        if (str_eq(problem_code((enum problem_kind)kind), req->args[0])) {
            res->status = 200;
            response_header(res, "content-type", "text/plain; charset=utf-8");
            buf_printf(&res->body, "%s (HTTP %d): %s.\n", req->args[0], problem_status((enum problem_kind)kind),
                       problem_title((enum problem_kind)kind));
            return 0;
        }
    return problem(req, res, PROBLEM_NOT_FOUND, "no problem has this code");
}
