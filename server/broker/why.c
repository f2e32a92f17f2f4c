/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* POST /agent/v1/why: what policy says now, in words for the person who asks. */
#include "base/clock.h"
#include "base/str.h"
#include "proto/agent.h"
#include "server/api/dispatch.h"
#include "server/broker/handlers.h"
#include "server/broker/judge.h"
#include "server/broker/state.h"

static void decide(const struct request *req, const char *resource, struct policy_decision *d)
{
    struct world *w = broker_world(the_broker);
    uint32_t number = world_resource_of(w, resource);
    struct policy_query q = world_query(w, req->who.session ? req->who.person : NULL, req->who.id, clock_wall_us());
    const struct policy_class *first;
    size_t n = 1;
    policy_decide_grant(w->policy, &q, number, d, &first, &n);
    world_unref(w);
}

int why_post(struct request *req, struct response *res)
{
    const struct why_request *in = req->record;
    struct policy_decision d;
    decide(req, in->resource, &d);
    enum policy_reason shown = policy_reason_shown(&d);
    const struct why_answer out = {.resource = in->resource,
                                   .effect = d.effect == POLICY_PERMIT ? WHY_PERMIT : WHY_DENY,
                                   .code = policy_reason_code(shown),
                                   .reason = policy_reason_user(shown)};
    return answer_record(res, 200, &why_answer_rec, &out);
}
