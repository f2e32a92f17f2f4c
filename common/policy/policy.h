/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evaluator: may this person with this device connect to this resource, now? A world is compiled once from plain
 * arrays, immutable, and safe to read from many threads; a decision is a pure function of (world, query). Forbid wins,
 * and what no rule permits is denied.
 */
#pragma once
#include "policy/condition.h"
#include "policy/partition.h"

#define POLICY_NONE UINT32_MAX /* index of nothing */

/* Members of the input refer to each other by index into its arrays. Texts and trees are copied. */
struct policy_person_in {
    const char *id;
    bool disabled;
};

struct policy_device_in {
    const char *id;
    uint32_t person; /* whose it is; POLICY_NONE = anyone's */
    bool blocked;
};

struct policy_member_in {
    uint32_t member; /* a person, or a group when member_is_group */
    uint32_t group;
    bool member_is_group;
};

struct policy_resource_in {
    const char *id;
    uint32_t site; /* 0 .. n_sites - 1 */
    const struct policy_box *boxes;
    size_t n_boxes;
};

enum policy_effect { POLICY_DENY, POLICY_PERMIT };

struct policy_rule_in {
    const char *id;
    enum policy_effect effect; /* POLICY_DENY = forbid */
    uint32_t group, resource;
    bool disabled;
    const struct policy_cond *cond; /* NULL = always */
};

struct policy_input {
    const struct policy_person_in *people;
    const struct policy_device_in *devices;
    const char *const *groups;
    const struct policy_member_in *members;
    const struct policy_resource_in *resources;
    const struct policy_rule_in *rules;
    size_t n_people, n_devices, n_groups, n_members, n_resources, n_rules, n_sites;
};

struct policy_world;

/* Compiles the input, which may be freed afterwards. References out of range abort: the caller built the arrays. */
struct policy_world *policy_world_build(const struct policy_input *in, policy_hash *hash) MUSTCHECK;
void policy_world_free(struct policy_world *w);

/* Index of an id, POLICY_NONE when the world has none. */
uint32_t policy_person(const struct policy_world *w, const char *id);
uint32_t policy_device(const struct policy_world *w, const char *id);
uint32_t policy_resource(const struct policy_world *w, const char *id);
const char *policy_rule_id(const struct policy_world *w, uint32_t rule);
const char *policy_resource_id(const struct policy_world *w, uint32_t resource);
size_t policy_n_resources(const struct policy_world *w);
uint32_t policy_resource_site(const struct policy_world *w, uint32_t resource);
/* Classes of a site; `resources` of a class are indexes of this world. */
const struct policy_partition *policy_site_classes(const struct policy_world *w, uint32_t site);

enum { POLICY_ANY = -1 }; /* protocol or port of a query: the resource as a whole */

struct policy_query {
    uint32_t person, device;          /* POLICY_NONE = unknown */
    int protocol;                     /* action connect{protocol, port}: 0..255 or POLICY_ANY */
    int32_t port;                     /* 0..65535 or POLICY_ANY */
    const struct policy_facts *facts; /* NULL = none known */
    int64_t now_us;                   /* wall time */
};

/* X(constant, stable code, text for the user: tells nothing about rules and their values) */
#define POLICY_REASONS(X)                                                                               \
    X(PERMITTED, "permitted", "You may use this.")                                                      \
    X(NO_RULE, "no_permit", "There is no such resource, or you have no access to it.")                  \
    X(FORBIDDEN, "forbidden", "Your organisation does not let you use this.")                           \
    X(COVERED, "covered_by_forbidden", "Your organisation does not let you use this.")                  \
    X(CONDITION, "condition_not_met", "A condition of your organisation is not met now.")               \
    X(CONDITION_UNKNOWN, "condition_unknown", "A condition of your organisation could not be checked.") \
    X(PERSON_UNKNOWN, "person_unknown", "You are not signed in.")                                       \
    X(PERSON_DISABLED, "person_disabled", "Your account is disabled.")                                  \
    X(DEVICE_UNKNOWN, "device_unknown", "This device is not enrolled.")                                 \
    X(DEVICE_BLOCKED, "device_blocked", "This device is blocked.")                                      \
    X(DEVICE_FOREIGN, "device_foreign", "This device belongs to somebody else.")                        \
    X(RESOURCE_UNKNOWN, "resource_unknown", "There is no such resource, or you have no access to it.")  \
    X(ACTION, "action_outside", "There is no such resource, or you have no access to it.")

enum policy_reason {
#define X(constant, code, user) POLICY_REASON_##constant,
    POLICY_REASONS(X)
#undef X
};

enum { POLICY_DETERMINING_MAX = 8 };

struct policy_decision {
    enum policy_effect effect;
    enum policy_reason reason;
    uint32_t rules[POLICY_DETERMINING_MAX]; /* indexes of the rules that determined it, ordered by id */
    uint32_t n_rules;                       /* the first POLICY_DETERMINING_MAX of them */
    uint32_t other;                         /* POLICY_REASON_COVERED: the forbidden resource; else POLICY_NONE */
    bool known;                             /* some permit names the person: they may know that it exists */
    int64_t valid_until_us;                 /* no rule of the slice changes by time alone before this */
};

/* Decides about a resource by its own rules. */
void policy_decide(const struct policy_world *w, const struct policy_query *q, uint32_t resource,
                   struct policy_decision *out);
/* Decides about one point of a site: permitted when a permitted resource covers it and no forbidden one does. */
void policy_decide_point(const struct policy_world *w, const struct policy_query *q, uint32_t site,
                         struct net_addr address, struct policy_decision *out);

/*
 * Decides about a resource and the classes that a grant on it opens: those that it covers and that no resource
 * forbidden to the person covers. None left = deny, POLICY_REASON_COVERED. `classes` holds pointers into the site's
 * partition, at most *n_classes on entry (policy_resource_n_classes() is enough), *n_classes of them on return.
 */
void policy_decide_grant(const struct policy_world *w, const struct policy_query *q, uint32_t resource,
                         struct policy_decision *out, const struct policy_class **classes, size_t *n_classes);
size_t policy_resource_n_classes(const struct policy_world *w, uint32_t resource);

const char *policy_reason_code(enum policy_reason reason);
const char *policy_reason_user(enum policy_reason reason);
/* What the person may be told: for a resource that no permit names for them the same as for one that is not there. */
enum policy_reason policy_reason_shown(const struct policy_decision *d);
/* For administrators, names the determining rules; text of at most cap bytes. */
void policy_reason_admin(const struct policy_world *w, const struct policy_decision *d, char *out, size_t cap);
