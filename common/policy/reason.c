/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/str.h"
#include "policy/policy.h"

static const struct {
    const char *code, *user;
} reasons[] = {
#define X(constant, code, user) [POLICY_REASON_##constant] = {code, user},
    POLICY_REASONS(X)
#undef X
};

const char *policy_reason_code(enum policy_reason reason)
{
    return reasons[reason].code;
}

const char *policy_reason_user(enum policy_reason reason)
{
    return reasons[reason].user;
}

enum policy_reason policy_reason_shown(const struct policy_decision *d)
{
    bool about_resource = d->reason == POLICY_REASON_FORBIDDEN || d->reason == POLICY_REASON_ACTION;
    return (about_resource && !d->known) || d->reason == POLICY_REASON_NO_RULE ? POLICY_REASON_RESOURCE_UNKNOWN
                                                                               : d->reason;
}

static const char *admin_text(enum policy_reason reason)
{
    switch (reason) {
    case POLICY_REASON_PERMITTED:
        return "permitted by";
    case POLICY_REASON_NO_RULE:
        return "no enabled policy permits a group of the person to reach the resource";
    case POLICY_REASON_FORBIDDEN:
        return "forbidden by";
    case POLICY_REASON_COVERED:
        return "permitted, but every address of it also belongs to a resource forbidden to the person";
    case POLICY_REASON_CONDITION:
        return "the condition is not met of";
    case POLICY_REASON_CONDITION_UNKNOWN:
        return "a fact is missing for the condition of";
    case POLICY_REASON_PERSON_UNKNOWN:
        return "nobody is signed in, or the person was deleted";
    case POLICY_REASON_PERSON_DISABLED:
        return "the person is disabled";
    case POLICY_REASON_DEVICE_UNKNOWN:
        return "the device is not enrolled";
    case POLICY_REASON_DEVICE_BLOCKED:
        return "the device is blocked";
    case POLICY_REASON_DEVICE_FOREIGN:
        return "the device belongs to another person";
    case POLICY_REASON_RESOURCE_UNKNOWN:
        return "no resource is there";
    case POLICY_REASON_ACTION:
        return "the resource does not have this protocol and port";
    }
    return "";
}

void policy_reason_admin(const struct policy_world *w, const struct policy_decision *d, char *out, size_t cap)
{
    BUF_AUTO text = {0};
    buf_puts(&text, admin_text(d->reason));
    for (uint32_t i = 0; i < d->n_rules; i++)
        buf_printf(&text, "%s%s", i ? ", " : " ", policy_rule_id(w, d->rules[i]));
    if (d->other != POLICY_NONE)
        buf_printf(&text, " (%s)", policy_resource_id(w, d->other));
    str_copy(out, cap, buf_str(&text));
}
