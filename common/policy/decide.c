/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/world.h"

/* Walks the rules of a resource that name a group of the person: two sorted lists, the longer one searched by leaps. */
struct slice {
    const uint32_t *group, *groups_end;
    const uint32_t *rule, *rules_end; /* within rule_groups */
};

/* The first element of [at, end) that is not below key. */
static const uint32_t *leap(const uint32_t *at, const uint32_t *end, uint32_t key)
{
    size_t step = 1, left = (size_t)(end - at);
    while (step < left && at[step] < key)
        step *= 2;
    const uint32_t *lo = at + step / 2, *hi = at + MIN(step, left);
    while (lo < hi) {
        const uint32_t *mid = lo + (hi - lo) / 2;
        if (*mid < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct slice slice_of(const struct policy_world *w, uint32_t person, uint32_t resource)
{
    const struct world_person *p = &w->people[person];
    const struct world_resource *r = &w->resources[resource];
    return (struct slice){p->groups, p->groups + p->n_groups, w->rule_groups + r->rules, w->rule_groups + r->rules_end};
}

static bool slice_next(const struct policy_world *w, struct slice *s, uint32_t *rule)
{
    while (s->group < s->groups_end && s->rule < s->rules_end) {
        if (*s->group == *s->rule) {
            *rule = (uint32_t)(s->rule++ - w->rule_groups);
            return true;
        }
        if (*s->group < *s->rule)
            s->group = leap(s->group, s->groups_end, *s->rule);
        else
            s->rule = leap(s->rule, s->rules_end, *s->group);
    }
    return false;
}

static void determined_by(struct policy_decision *d, enum policy_reason reason, uint32_t rule)
{
    if (d->reason != reason)
        d->n_rules = 0;
    d->reason = reason;
    if (d->n_rules < POLICY_DETERMINING_MAX)
        d->rules[d->n_rules++] = rule;
}

/* How much a reason weighs while the rules of a slice are read: the heaviest decides. */
static int weight(enum policy_reason reason)
{
    switch (reason) {
    case POLICY_REASON_FORBIDDEN:
        return 4;
    case POLICY_REASON_PERMITTED:
        return 3;
    case POLICY_REASON_CONDITION_UNKNOWN:
        return 2;
    case POLICY_REASON_CONDITION:
        return 1;
    default:
        return 0;
    }
}

static enum policy_reason rule_says(const struct world_rule *rule, enum policy_truth truth)
{
    if (rule->effect == POLICY_DENY)
        return truth == POLICY_FALSE ? POLICY_REASON_NO_RULE : POLICY_REASON_FORBIDDEN;
    if (truth == POLICY_TRUE)
        return POLICY_REASON_PERMITTED;
    return truth == POLICY_FALSE ? POLICY_REASON_CONDITION : POLICY_REASON_CONDITION_UNKNOWN;
}

/* What the rules of one resource say; who asks is known and allowed to ask. */
static void decide_slice(const struct policy_world *w, const struct policy_query *q, uint32_t resource,
                         struct policy_decision *d)
{
    struct slice slice = slice_of(w, q->person, resource);
    *d = (struct policy_decision){
        .reason = POLICY_REASON_NO_RULE, .other = POLICY_NONE, .valid_until_us = POLICY_FOREVER};
    for (uint32_t i; slice_next(w, &slice, &i);) {
        const struct world_rule *rule = &w->rules[i];
        struct policy_verdict v = policy_cond_eval(rule->cond, q->facts, q->now_us);
        enum policy_reason says = rule_says(rule, v.truth);
        d->valid_until_us = MIN(d->valid_until_us, v.until_us);
        d->known |= rule->effect == POLICY_PERMIT;
        if (says != POLICY_REASON_NO_RULE && weight(says) >= weight(d->reason))
            determined_by(d, says, i);
    }
    d->effect = d->reason == POLICY_REASON_PERMITTED ? POLICY_PERMIT : POLICY_DENY;
}

static bool refuse(struct policy_decision *d, enum policy_reason reason)
{
    *d = (struct policy_decision){
        .effect = POLICY_DENY, .reason = reason, .other = POLICY_NONE, .valid_until_us = POLICY_FOREVER};
    return false;
}

/* Whether the asker exists and may ask at all; fills the refusal otherwise. */
static bool may_ask(const struct policy_world *w, const struct policy_query *q, struct policy_decision *out)
{
    if (q->person >= w->n_people)
        return refuse(out, POLICY_REASON_PERSON_UNKNOWN);
    if (w->people[q->person].disabled)
        return refuse(out, POLICY_REASON_PERSON_DISABLED);
    if (q->device >= w->n_devices)
        return refuse(out, POLICY_REASON_DEVICE_UNKNOWN);
    const struct world_device *device = &w->devices[q->device];
    if (device->blocked)
        return refuse(out, POLICY_REASON_DEVICE_BLOCKED);
    if (device->person != POLICY_NONE && device->person != q->person)
        return refuse(out, POLICY_REASON_DEVICE_FOREIGN);
    return true;
}

static bool box_takes(const struct policy_box *box, const struct policy_query *q)
{
    if (q->protocol != POLICY_ANY && (q->protocol < box->protocol_first || q->protocol > box->protocol_last))
        return false;
    return q->port == POLICY_ANY || (q->port >= box->port_first && q->port <= box->port_last);
}

static bool action_fits(const struct world_resource *resource, const struct policy_query *q)
{
    if (q->protocol == POLICY_ANY && q->port == POLICY_ANY)
        return true;
    for (size_t i = 0; i < resource->n_boxes; i++)
        if (box_takes(&resource->boxes[i], q))
            return true;
    return false;
}

void policy_decide(const struct policy_world *w, const struct policy_query *q, uint32_t resource,
                   struct policy_decision *out)
{
    if (!may_ask(w, q, out))
        return;
    if (resource >= w->n_resources)
        (void)refuse(out, POLICY_REASON_RESOURCE_UNKNOWN);
    else if (!action_fits(&w->resources[resource], q))
        (void)refuse(out, POLICY_REASON_ACTION);
    else
        decide_slice(w, q, resource, out);
}

void policy_decide_point(const struct policy_world *w, const struct policy_query *q, uint32_t site,
                         struct net_addr address, struct policy_decision *out)
{
    if (!may_ask(w, q, out))
        return;
    (void)refuse(out, POLICY_REASON_RESOURCE_UNKNOWN);
    if (site >= w->n_sites || q->protocol < 0 || q->protocol > UINT8_MAX || q->port < 0 || q->port > UINT16_MAX)
        return;
    const struct policy_class *class =
        policy_partition_find(w->sites[site], address, (uint8_t)q->protocol, (uint16_t)q->port);
    int64_t until = POLICY_FOREVER;
    for (size_t i = 0; class && i < class->n_resources; i++) {
        struct policy_decision d;
        decide_slice(w, q, class->resources[i], &d);
        until = MIN(until, d.valid_until_us);
        if (i == 0 || weight(d.reason) > weight(out->reason))
            *out = d;
    }
    out->valid_until_us = until;
}

/* Whether a resource other than `own` that covers the class is forbidden; lowers *until to when that may change. */
static uint32_t forbidden_cover(const struct policy_world *w, const struct policy_query *q,
                                const struct policy_class *class, uint32_t own, int64_t *until)
{
    uint32_t found = POLICY_NONE;
    for (size_t i = 0; i < class->n_resources; i++) {
        struct policy_decision d;
        if (class->resources[i] == own)
            continue;
        decide_slice(w, q, class->resources[i], &d);
        *until = MIN(*until, d.valid_until_us);
        if (d.reason == POLICY_REASON_FORBIDDEN && found == POLICY_NONE)
            found = class->resources[i];
    }
    return found;
}

void policy_decide_grant(const struct policy_world *w, const struct policy_query *q, uint32_t resource,
                         struct policy_decision *out, const struct policy_class **classes, size_t *n_classes)
{
    size_t cap = *n_classes;
    uint32_t forbidden = POLICY_NONE;
    *n_classes = 0;
    policy_decide(w, q, resource, out);
    if (out->effect != POLICY_PERMIT)
        return;
    const struct world_resource *r = &w->resources[resource];
    for (size_t i = 0; i < r->n_classes; i++) {
        uint32_t by = forbidden_cover(w, q, r->classes[i], resource, &out->valid_until_us);
        if (by != POLICY_NONE)
            forbidden = by;
        else if (*n_classes < cap)
            classes[(*n_classes)++] = r->classes[i];
    }
    if (*n_classes)
        return;
    int64_t until = out->valid_until_us;
    (void)refuse(out, POLICY_REASON_COVERED);
    out->known = true;
    out->other = forbidden;
    out->valid_until_us = until;
}
