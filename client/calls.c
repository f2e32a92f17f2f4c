/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/problem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "client/daemon.h"

struct call {
    struct list link;
    struct client *client;
    struct guest *guest; /* NULL: nobody, or it has left */
    char about[ID_LEN_MAX];
    call_done_fn *done;
};

static void on_done(void *arg, const struct http_answer *answer)
{
    struct call *call = arg;
    list_remove(&call->link);
    call->done(call->client, call->guest, call->about, answer);
    free(call);
}

void call_start(struct client *c, struct guest *g, const char *about, const char *method, const char *path,
                const struct rec *rec, const void *body, call_done_fn *done)
{
    struct call *call = xalloc(sizeof(*call));
    call->client = c;
    call->guest = g;
    call->done = done;
    str_copy(call->about, sizeof(call->about), about);
    list_append(&c->calls, &call->link);
    (void)link_call(c->link, method, path, rec, body, on_done, call);
}

void calls_end(struct client *c)
{
    const struct http_answer none = {.error = -ECANCELED, .why = "this device is enrolled anew", .body = ""};
    while (!list_empty(&c->calls))
        on_done(container_of(c->calls.next, struct call, link), &none);
}

void call_forget_guest(struct client *c, const struct guest *g)
{
    list_for_each (it, &c->calls) {
        struct call *call = container_of(it, struct call, link);
        if (call->guest == g)
            call->guest = NULL;
    }
}

void call_failed(struct guest *g, const struct http_answer *answer)
{
    char why[256];
    int exit = answer->error                                    ? CLI_UNREACHABLE
               : answer->status == 401                          ? CLI_NOT_SIGNED_IN
               : answer->status == 403                          ? CLI_DENIED
               : answer->status == 409                          ? CLI_CONFLICT
               : answer->status == 503 || answer->status == 502 ? CLI_UNREACHABLE
                                                                : CLI_FAILURE;
    problem_text(answer, why, sizeof(why));
    if (g)
        guest_end(g, exit, "%s%s", answer->error ? "the server cannot be reached: " : "", why);
}
