/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled world as the evaluator sees it; private to common/policy. */
#pragma once
#include "base/arena.h"
#include "base/map.h"
#include "policy/policy.h"

struct world_person {
    const uint32_t *groups; /* all groups, direct or not, sorted */
    uint32_t n_groups;
    bool disabled;
};

struct world_device {
    uint32_t person;
    bool blocked;
};

struct world_rule {
    const char *id;
    enum policy_effect effect;
    const struct policy_cond *cond;
};

struct world_resource {
    const char *id;
    uint32_t site;
    uint32_t rules, rules_end; /* its slice */
    const struct policy_box *boxes;
    size_t n_boxes;
    const struct policy_class **classes; /* those that it covers */
    size_t n_classes;
};

struct policy_world {
    struct arena memory;
    struct map person_numbers, device_numbers, resource_numbers; /* id -> index + 1 */
    struct world_person *people;
    struct world_device *devices;
    struct world_resource *resources;
    struct world_rule *rules; /* enabled ones, by resource, then group, then id */
    uint32_t *rule_groups;    /* of each rule: alone, so that searching a slice touches few cache lines */
    struct policy_partition **sites;
    size_t n_people, n_devices, n_resources, n_rules, n_sites;
};
