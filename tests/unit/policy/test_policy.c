/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "crypto/hash.h"
#include "policy/policy.h"
#include "test.h"

enum { PEOPLE = 6, DEVICES = 7, GROUPS = 6, MEMBERS = 14, RESOURCES = 7, RULES = 24, SITES = 2 };

/* A small random world, kept as plain arrays for the oracle. */
struct model {
    char ids[5][RULES][16]; /* by kind */
    struct policy_person_in people[PEOPLE];
    struct policy_device_in devices[DEVICES];
    const char *groups[GROUPS];
    struct policy_member_in members[MEMBERS];
    struct policy_resource_in resources[RESOURCES];
    struct policy_box boxes[RESOURCES][2];
    struct policy_rule_in rules[RULES];
    struct policy_cond conds[RULES];
    struct policy_input in;
};

static const char *name(struct model *m, int kind, size_t i)
{
    snprintf(m->ids[kind][i], sizeof(m->ids[kind][i]), "id%d_%02zu", kind, i);
    return m->ids[kind][i];
}

static struct policy_box random_box(struct test_rng *r)
{
    static const uint16_t ports[] = {0, 80, 443, 65535};
    struct net_addr a;
    assert_int_equal(net_addr_parse("10.0.0.0", &a), 0);
    a = net_addr_plus(a, test_rng_below(r, 8));
    unsigned p1 = (unsigned)test_rng_below(r, 4), p2 = (unsigned)test_rng_below(r, 4);
    bool tcp = test_rng_below(r, 2);
    return (struct policy_box){net_prefix_of(a, 125 + (unsigned)test_rng_below(r, 4)), tcp ? 6 : 0, tcp ? 6 : 255,
                               ports[MIN(p1, p2)], ports[MAX(p1, p2)]};
}

static struct policy_cond random_cond(struct test_rng *r)
{
    if (test_rng_below(r, 2))
        return (struct policy_cond){
            .op = COND_IS, .fact = test_rng_below(r, 2) ? "known" : "absent", .boolean = test_rng_below(r, 2)};
    return (struct policy_cond){
        .op = COND_BETWEEN, .from_us = (int64_t)test_rng_below(r, 20), .to_us = (int64_t)test_rng_below(r, 20)};
}

static void random_rules(struct test_rng *r, struct model *m)
{
    for (size_t i = 0; i < RULES; i++) {
        m->conds[i] = random_cond(r);
        m->rules[i] = (struct policy_rule_in){.id = name(m, 4, i),
                                              .effect = test_rng_below(r, 4) ? POLICY_PERMIT : POLICY_DENY,
                                              .group = (uint32_t)test_rng_below(r, GROUPS),
                                              .resource = (uint32_t)test_rng_below(r, RESOURCES),
                                              .disabled = test_rng_below(r, 6) == 0,
                                              .cond = test_rng_below(r, 3) ? NULL : &m->conds[i]};
    }
}

static void random_model(struct test_rng *r, struct model *m)
{
    for (size_t i = 0; i < PEOPLE; i++)
        m->people[i] = (struct policy_person_in){name(m, 0, i), test_rng_below(r, 8) == 0};
    for (size_t i = 0; i < DEVICES; i++)
        m->devices[i] =
            (struct policy_device_in){name(m, 1, i), (uint32_t)test_rng_below(r, PEOPLE), test_rng_below(r, 8) == 0};
    for (size_t i = 0; i < GROUPS; i++)
        m->groups[i] = name(m, 2, i);
    for (size_t i = 0; i < MEMBERS; i++) {
        bool group = test_rng_below(r, 3) == 0;
        m->members[i] = (struct policy_member_in){(uint32_t)test_rng_below(r, group ? GROUPS : PEOPLE),
                                                  (uint32_t)test_rng_below(r, GROUPS), group};
    }
    for (size_t i = 0; i < RESOURCES; i++) {
        m->boxes[i][0] = random_box(r);
        m->boxes[i][1] = random_box(r);
        m->resources[i] = (struct policy_resource_in){name(m, 3, i), (uint32_t)test_rng_below(r, SITES), m->boxes[i],
                                                      test_rng_below(r, 3)};
    }
    random_rules(r, m);
    m->in = (struct policy_input){m->people, m->devices, m->groups, m->members, m->resources, m->rules, PEOPLE,
                                  DEVICES,   GROUPS,     MEMBERS,   RESOURCES,  RULES,        SITES};
}

/* Oracle for groups: apply memberships until nothing changes. */
static void oracle_groups(const struct model *m, uint32_t person, bool in[GROUPS])
{
    memset(in, 0, GROUPS * sizeof(*in));
    for (int round = 0; round < GROUPS + 1; round++)
        for (size_t i = 0; i < MEMBERS; i++)
            if (m->members[i].member_is_group ? in[m->members[i].member] : m->members[i].member == person)
                in[m->members[i].group] = true;
}

struct oracle {
    bool permitted, forbidden;
    int64_t until;
};

/* Oracle for one resource: every rule, one after the other. */
static struct oracle oracle_resource(const struct model *m, const struct policy_query *q, uint32_t resource)
{
    struct oracle o = {false, false, POLICY_FOREVER};
    bool in[GROUPS];
    oracle_groups(m, q->person, in);
    for (size_t i = 0; i < RULES; i++) {
        const struct policy_rule_in *rule = &m->rules[i];
        if (rule->disabled || rule->resource != resource || !in[rule->group])
            continue;
        struct policy_verdict v = policy_cond_eval(rule->cond, q->facts, q->now_us);
        o.until = MIN(o.until, v.until_us);
        if (rule->effect == POLICY_PERMIT)
            o.permitted |= v.truth == POLICY_TRUE;
        else
            o.forbidden |= v.truth != POLICY_FALSE;
    }
    return o;
}

static bool oracle_may_ask(const struct model *m, const struct policy_query *q)
{
    return q->person < PEOPLE && q->device < DEVICES && !m->people[q->person].disabled &&
           !m->devices[q->device].blocked && m->devices[q->device].person == q->person;
}

static bool covers_point(const struct model *m, uint32_t resource, struct net_addr a, int protocol, int32_t port)
{
    for (size_t i = 0; i < m->resources[resource].n_boxes; i++) {
        const struct policy_box *b = &m->boxes[resource][i];
        if (net_prefix_contains(b->prefix, a) && b->protocol_first <= protocol && protocol <= b->protocol_last &&
            b->port_first <= port && port <= b->port_last)
            return true;
    }
    return false;
}

static void check_resource(const struct model *m, const struct policy_world *w, const struct policy_query *q,
                           uint32_t resource)
{
    struct policy_decision d;
    struct oracle o = oracle_resource(m, q, resource);
    policy_decide(w, q, resource, &d);
    if (!oracle_may_ask(m, q)) {
        assert_int_equal(d.effect, POLICY_DENY);
        assert_int_equal(d.n_rules, 0);
        return;
    }
    assert_int_equal(d.effect, o.permitted && !o.forbidden ? POLICY_PERMIT : POLICY_DENY);
    assert_int_equal(d.reason == POLICY_REASON_FORBIDDEN, o.forbidden);
    assert_int_equal(d.valid_until_us, o.until);
    if (o.permitted || o.forbidden)
        assert_true(d.n_rules > 0);
}

struct grant {
    const struct policy_class *classes[64];
    size_t n;
};

/* A point is open when some resource over it is permitted and none is forbidden; classes must say the same. */
static void check_point(const struct model *m, const struct policy_world *w, const struct policy_query *q,
                        uint32_t resource, struct net_addr a, const struct grant *grant)
{
    bool permitted = false, forbidden = false, open = false;
    uint32_t site = m->resources[resource].site;
    for (uint32_t other = 0; other < RESOURCES; other++) {
        if (m->resources[other].site != site || !covers_point(m, other, a, q->protocol, q->port))
            continue;
        struct oracle o = oracle_resource(m, q, other);
        permitted |= o.permitted;
        forbidden |= o.forbidden;
    }
    struct policy_decision point;
    policy_decide_point(w, q, site, a, &point);
    assert_int_equal(point.effect == POLICY_PERMIT, oracle_may_ask(m, q) && permitted && !forbidden);
    const struct policy_class *class =
        policy_partition_find(policy_site_classes(w, site), a, (uint8_t)q->protocol, (uint16_t)q->port);
    for (size_t c = 0; c < grant->n; c++)
        open |= grant->classes[c] == class;
    assert_int_equal(open, oracle_may_ask(m, q) && oracle_resource(m, q, resource).permitted && !forbidden &&
                               covers_point(m, resource, a, q->protocol, q->port));
}

static void check_points(const struct model *m, const struct policy_world *w, struct policy_query q, uint32_t resource)
{
    static const int32_t ports[] = {0, 79, 80, 81, 443, 444, 65535};
    struct grant grant = {.n = ARRAY_LEN(grant.classes)};
    struct policy_decision d;
    struct net_addr a;
    policy_decide_grant(w, &q, resource, &d, grant.classes, &grant.n);
    assert_int_equal(d.effect == POLICY_PERMIT, grant.n > 0);
    assert_int_equal(net_addr_parse("10.0.0.0", &a), 0);
    for (int i = 0; i < 16; i++, a = net_addr_plus(a, 1))
        for (size_t k = 0; k < 2 * ARRAY_LEN(ports); k++) {
            q.protocol = k % 2 ? 6 : 17;
            q.port = ports[k / 2];
            check_point(m, w, &q, resource, a, &grant);
        }
}

static struct policy_query random_query(struct test_rng *r, const struct model *m, const struct policy_facts *facts)
{
    struct policy_query q = {.person = (uint32_t)test_rng_below(r, PEOPLE),
                             .device = (uint32_t)test_rng_below(r, DEVICES + 1),
                             .protocol = POLICY_ANY,
                             .port = POLICY_ANY,
                             .facts = test_rng_below(r, 2) ? facts : NULL,
                             .now_us = (int64_t)test_rng_below(r, 20)};
    if (test_rng_below(r, 4))
        for (uint32_t d = 0; d < DEVICES; d++)
            if (m->devices[d].person == q.person)
                q.device = d;
    return q;
}

static void random_worlds_match_the_oracle(void **state)
{
    struct test_rng r = test_rng_seeded("policy");
    static struct policy_fact known = {.name = "known", .type = FACT_BOOL, .until_us = POLICY_FOREVER, .boolean = true};
    const struct policy_facts facts = {&known, 1};
    struct model *m = xalloc(sizeof(*m));
    for (int round = 0; round < 150; round++) {
        random_model(&r, m);
        struct policy_world *w = policy_world_build(&m->in, sha256);
        for (int i = 0; i < 20; i++) {
            struct policy_query q = random_query(&r, m, &facts);
            uint32_t resource = (uint32_t)test_rng_below(&r, RESOURCES);
            check_resource(m, w, &q, resource);
            check_points(m, w, q, resource);
        }
        policy_world_free(w);
    }
    free(m);
}

static struct policy_box whole(const char *text)
{
    struct policy_box box = {.protocol_last = 255, .port_last = 65535};
    assert_int_equal(net_prefix_parse(text, &box.prefix), 0);
    return box;
}

static void A4_nothing_said_means_deny(void **state)
{
    const struct policy_person_in people[] = {{"per_a", false}};
    const struct policy_device_in devices[] = {{"dev_a", 0, false}};
    const struct policy_box box = whole("0.0.0.0/0");
    const struct policy_resource_in resources[] = {{"res_a", 0, &box, 1}};
    const struct policy_input in = {people, devices, NULL, NULL, resources, NULL, 1, 1, 0, 0, 1, 0, 1};
    struct policy_world *w = policy_world_build(&in, sha256);
    struct policy_query q = {policy_person(w, "per_a"), policy_device(w, "dev_a"), POLICY_ANY, POLICY_ANY, NULL, 0};
    struct policy_decision d;
    policy_decide(w, &q, policy_resource(w, "res_a"), &d);
    assert_int_equal(d.effect, POLICY_DENY);
    assert_string_equal(policy_reason_code(d.reason), "no_permit");
    const char *user = policy_reason_user(d.reason);
    policy_decide(w, &q, policy_resource(w, "res_b"), &d);
    assert_string_equal(policy_reason_code(d.reason), "resource_unknown");
    assert_string_equal(policy_reason_user(d.reason), user); /* whoever may not know it learns nothing */
    q.person = policy_person(w, "per_b");
    policy_decide(w, &q, 0, &d);
    assert_int_equal(d.reason, POLICY_REASON_PERSON_UNKNOWN);
    policy_world_free(w);
}

static void an_unknown_forbid_applies_and_names_itself_to_admins_only(void **state)
{
    const struct policy_person_in people[] = {{"per_a", false}};
    const struct policy_device_in devices[] = {{"dev_a", POLICY_NONE, false}};
    const char *const groups[] = {"grp_a", "grp_b"};
    const struct policy_member_in members[] = {{0, 0, false}, {0, 1, true}, {1, 0, true}}; /* a cycle of groups */
    const struct policy_box box = whole("10.0.0.0/8");
    const struct policy_resource_in resources[] = {{"res_a", 0, &box, 1}};
    const struct policy_cond unknown = {.op = COND_IS, .fact = "absent", .boolean = true};
    const struct policy_rule_in rules[] = {{"pol_permit", POLICY_PERMIT, 0, 0, false, NULL},
                                           {"pol_forbid", POLICY_DENY, 1, 0, false, &unknown}};
    const struct policy_input in = {people, devices, groups, members, resources, rules, 1, 1, 2, 3, 1, 2, 1};
    struct policy_world *w = policy_world_build(&in, sha256);
    struct policy_query q = {.protocol = POLICY_ANY, .port = POLICY_ANY};
    struct policy_decision d;
    char text[256];
    policy_decide(w, &q, 0, &d);
    policy_reason_admin(w, &d, text, sizeof(text));
    assert_string_equal(text, "forbidden by pol_forbid");
    assert_null(strstr(policy_reason_user(d.reason), "pol_"));
    policy_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_worlds_match_the_oracle),
        cmocka_unit_test(A4_nothing_said_means_deny),
        cmocka_unit_test(an_unknown_forbid_applies_and_names_itself_to_admins_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
