/* SPDX-License-Identifier: Apache-2.0 */
/* Time of one decision, of a grant and of compiling the world at 10,000 policies × 100,000 people. */
#include "base/str.h"
#include "crypto/hash.h"
#include "policy/policy.h"
#include <stdio.h>
#include <time.h>

enum {
    N_PEOPLE = 100000,
    N_GROUPS = 2000,
    N_RESOURCES = 2000,
    N_RULES = 10000,
    N_SITES = 20,
    PER_PERSON = 12,
    N_MEMBERS = N_PEOPLE * PER_PERSON + N_GROUPS,
    ROUNDS = 2000000
};

/* Time on the processor: other work on the machine does not count. */
static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint64_t state = 42;

static uint32_t below(uint32_t bound)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % bound);
}

static char *id(const char *prefix, uint32_t i)
{
    char text[32];
    snprintf(text, sizeof(text), "%s_%026u", prefix, i);
    return str_dup(text);
}

static struct policy_box host(uint32_t i)
{
    const uint8_t bytes[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
    return (struct policy_box){net_prefix_host(net_addr_from_v4(bytes)), 6, 6, 443, 443};
}

static struct policy_input make_input(void)
{
    struct policy_person_in *people = xalloc(N_PEOPLE * sizeof(*people));
    struct policy_device_in *devices = xalloc(N_PEOPLE * sizeof(*devices));
    const char **groups = xalloc(N_GROUPS * sizeof(*groups));
    struct policy_member_in *members = xalloc(N_MEMBERS * sizeof(*members));
    struct policy_resource_in *resources = xalloc(N_RESOURCES * sizeof(*resources));
    struct policy_box *boxes = xalloc(N_RESOURCES * sizeof(*boxes));
    struct policy_rule_in *rules = xalloc(N_RULES * sizeof(*rules));
    size_t n = 0;
    for (uint32_t i = 0; i < N_PEOPLE; i++) {
        people[i] = (struct policy_person_in){id("per", i), false};
        devices[i] = (struct policy_device_in){id("dev", i), i, false};
        for (int k = 0; k < PER_PERSON; k++)
            members[n++] = (struct policy_member_in){i, below(N_GROUPS), false};
    }
    for (uint32_t i = 0; i < N_GROUPS; i++) {
        groups[i] = id("grp", i);
        members[n++] = (struct policy_member_in){i, i / 8, true}; /* a tree, eight wide */
    }
    for (uint32_t i = 0; i < N_RESOURCES; i++) {
        boxes[i] = host(i);
        resources[i] = (struct policy_resource_in){id("res", i), below(N_SITES), &boxes[i], 1};
    }
    for (uint32_t i = 0; i < N_RULES; i++)
        rules[i] = (struct policy_rule_in){
            id("pol", i), below(10) ? POLICY_PERMIT : POLICY_DENY, below(N_GROUPS), below(N_RESOURCES), false, NULL};
    return (struct policy_input){people,   devices,  groups,    members,     resources, rules,  N_PEOPLE,
                                 N_PEOPLE, N_GROUPS, N_MEMBERS, N_RESOURCES, N_RULES,   N_SITES};
}

int main(void)
{
    struct policy_input in = make_input();
    int64_t start = cpu_us();
    struct policy_world *w = policy_world_build(&in, sha256);
    printf("figure policy_build %.1f ms\n", (double)(cpu_us() - start) / 1e3);
    size_t permitted = 0;
    start = cpu_us();
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t person = below(N_PEOPLE);
        struct policy_query q = {person, person, POLICY_ANY, POLICY_ANY, NULL, 0};
        struct policy_decision d;
        policy_decide(w, &q, below(N_RESOURCES), &d);
        permitted += d.effect == POLICY_PERMIT;
    }
    printf("figure policy_decide %.3f us\n", (double)(cpu_us() - start) / ROUNDS);
    start = cpu_us();
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t person = below(N_PEOPLE);
        struct policy_query q = {person, person, POLICY_ANY, POLICY_ANY, NULL, 0};
        const struct policy_class *classes[8];
        size_t n = ARRAY_LEN(classes);
        struct policy_decision d;
        policy_decide_grant(w, &q, below(N_RESOURCES), &d, classes, &n);
        permitted += n;
    }
    printf("figure policy_grant %.3f us\n", (double)(cpu_us() - start) / ROUNDS);
    policy_world_free(w);
    return permitted == 0;
}
