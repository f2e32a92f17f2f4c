/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/nouns.h"
#include <stdio.h>

const char *const protocol_names[] = {"any", "tcp", "udp", "icmp", NULL};
const char *const role_names[] = {"member", "auditor", "admin", NULL};
const char *const effect_names[] = {"permit", "forbid", NULL};
const char *const verdict_names[] = {"deny", "allow", NULL};
const char *const pdp_names[] = {"central", "gateway", NULL};
const char *const decision_kind_names[] = {"grant", "deny", "revoke", "packets", NULL};

static bool text_ok(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\n') || *s == 0x7f)
            return false;
    return true;
}

static bool password_ok(const char *s)
{
    return text_ok(s) && !strchr(s, '\n');
}

/* noun:verb, where noun is kebab-case or "*" and verb is read or write. */
static bool scope_ok(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz-");
    if (n == 0 && *s == '*')
        n = 1;
    return n > 0 && (str_eq(s + n, ":read") || str_eq(s + n, ":write"));
}

const struct rec_format noun_text = {"text", NULL, "must be text without control characters", text_ok};
const struct rec_format noun_password = {"password", NULL, "must not contain control characters", password_ok};
const struct rec_format noun_scope = {"scope", "^(\\*|[a-z-]+):(read|write)$",
                                      "must be noun:read or noun:write, with * for all nouns", scope_ok};

#define REC_SELF site
REC_TABLE(site, SITE_FIELDS)
#undef REC_SELF
#define REC_SELF gateway
REC_TABLE(gateway, GATEWAY_FIELDS)
#undef REC_SELF
#define REC_SELF port_range
REC_TABLE(port_range, PORT_RANGE_FIELDS)
#undef REC_SELF
#define REC_SELF resource
REC_TABLE(resource, RESOURCE_FIELDS)
#undef REC_SELF
#define REC_SELF person
REC_TABLE(person, PERSON_FIELDS)
#undef REC_SELF
#define REC_SELF people_group
REC_TABLE(people_group, PEOPLE_GROUP_FIELDS)
#undef REC_SELF
#define REC_SELF membership
REC_TABLE(membership, MEMBERSHIP_FIELDS)
#undef REC_SELF
#define REC_SELF device
REC_TABLE(device, DEVICE_FIELDS)
#undef REC_SELF
#define REC_SELF policy
REC_TABLE(policy, POLICY_FIELDS)
#undef REC_SELF
#define REC_SELF token
REC_TABLE(token, TOKEN_FIELDS)
#undef REC_SELF
#define REC_SELF decision
REC_TABLE(decision, DECISION_FIELDS)
#undef REC_SELF
#define REC_SELF audit_change
REC_TABLE(audit_change, AUDIT_CHANGE_FIELDS)
#undef REC_SELF
#define REC_SELF audit_event
REC_TABLE(audit_event, AUDIT_EVENT_FIELDS)
#undef REC_SELF
#define REC_SELF enrolment
REC_TABLE(enrolment, ENROLMENT_FIELDS)
#undef REC_SELF
#define REC_SELF sign_in
REC_TABLE(sign_in, SIGN_IN_FIELDS)
#undef REC_SELF
#define REC_SELF signed_in
REC_TABLE(signed_in, SIGNED_IN_FIELDS)
#undef REC_SELF
#define REC_SELF setup
REC_TABLE(setup, SETUP_FIELDS)
#undef REC_SELF
#define REC_SELF new_password
REC_TABLE(new_password, NEW_PASSWORD_FIELDS)
#undef REC_SELF
#define REC_SELF configuration
REC_TABLE(configuration, CONFIGURATION_FIELDS)
#undef REC_SELF
#define REC_SELF ready_check
REC_TABLE(ready_check, READY_CHECK_FIELDS)
#undef REC_SELF
#define REC_SELF readiness
REC_TABLE(readiness, READINESS_FIELDS)
#undef REC_SELF
#define REC_SELF problem_error
REC_TABLE(problem_error, PROBLEM_ERROR_FIELDS)
#undef REC_SELF
#define REC_SELF problem
REC_TABLE(problem, PROBLEM_FIELDS)
#undef REC_SELF

static void port_range_check(struct port_range *p, const char *pointer, struct rec_errors *errors)
{
    if (p->first == 0 && p->last == 0)
        return;
    if (p->last == 0)
        p->last = p->first;
    if (p->protocol != PROTOCOL_TCP && p->protocol != PROTOCOL_UDP)
        rec_error_add(errors, pointer, "only tcp and udp have ports");
    else if (p->first == 0)
        rec_error_add(errors, pointer, "a range needs its first port, 1 or above");
    else if (p->last < p->first)
        rec_error_add(errors, pointer, "the last port lies before the first");
}

void resource_check(struct resource *r, struct rec_errors *errors)
{
    for (size_t i = 0; i < r->n_ports; i++) {
        char pointer[32];
        snprintf(pointer, sizeof(pointer), "/ports/%zu", i);
        port_range_check(&r->ports[i], pointer, errors);
    }
}
