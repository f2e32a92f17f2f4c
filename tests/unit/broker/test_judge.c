/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "crypto/hash.h"
#include "server/broker/judge.h"
#include "test.h"

enum { PEOPLE = 5, GROUPS = 4, RESOURCES = 6, RULES = 12, MEMBERS = 10, GATEWAYS = 2, SESSIONS = 6, LEASES = 24 };
#define NOW_US     INT64_C(1000000)
#define EXPIRES_US INT64_C(9000000)

/* What a world is made from, kept for the oracle. */
struct model {
    bool disabled[PEOPLE], blocked[SESSIONS], gateway_gone[GATEWAYS];
    struct policy_rule_in rules[RULES];
    struct policy_member_in members[MEMBERS];
};

static char ids[8][LEASES][ID_LEN_MAX];

static const char *id(int kind, size_t i)
{
    snprintf(ids[kind][i], ID_LEN_MAX, "%c_%02zu", "pdgrRcsl"[kind], i);
    return ids[kind][i];
}

static void change(struct test_rng *r, struct model *m)
{
    for (size_t i = 0; i < PEOPLE; i++)
        m->disabled[i] = test_rng_below(r, 10) == 0;
    for (size_t i = 0; i < SESSIONS; i++)
        m->blocked[i] = test_rng_below(r, 10) == 0;
    for (size_t i = 0; i < GATEWAYS; i++)
        m->gateway_gone[i] = test_rng_below(r, 10) == 0;
    for (size_t i = 0; i < RULES; i++)
        m->rules[i] = (struct policy_rule_in){.id = id(4, i),
                                              .effect = test_rng_below(r, 5) ? POLICY_PERMIT : POLICY_DENY,
                                              .group = (uint32_t)test_rng_below(r, GROUPS),
                                              .resource = (uint32_t)test_rng_below(r, RESOURCES)};
    for (size_t i = 0; i < MEMBERS; i++)
        m->members[i] =
            (struct policy_member_in){(uint32_t)test_rng_below(r, PEOPLE), (uint32_t)test_rng_below(r, GROUPS), false};
}

/* Every session has a device of its own; session i is of person i % PEOPLE. */
static struct world *world_of(const struct model *m)
{
    struct world *w = xalloc(sizeof(*w));
    struct policy_person_in people[PEOPLE];
    struct policy_device_in devices[SESSIONS];
    const char *groups[GROUPS];
    struct policy_resource_in resources[RESOURCES];
    struct policy_box boxes[RESOURCES];
    for (size_t i = 0; i < PEOPLE; i++)
        people[i] = (struct policy_person_in){id(0, i), m->disabled[i]};
    for (size_t i = 0; i < SESSIONS; i++)
        devices[i] = (struct policy_device_in){id(1, i), (uint32_t)(i % PEOPLE), m->blocked[i]};
    for (size_t i = 0; i < GROUPS; i++)
        groups[i] = id(2, i);
    for (size_t i = 0; i < RESOURCES; i++) {
        const uint8_t address[4] = {10, 0, 0, (uint8_t)i};
        boxes[i] = (struct policy_box){net_prefix_host(net_addr_from_v4(address)), 6, 6, 80, 80};
        resources[i] = (struct policy_resource_in){id(3, i), 0, &boxes[i], 1};
    }
    const struct policy_input in = {people,   devices, groups,  m->members, resources, m->rules, PEOPLE,
                                    SESSIONS, GROUPS,  MEMBERS, RESOURCES,  RULES,     1};
    w->refs = 1;
    w->policy = policy_world_build(&in, sha256);
    for (size_t i = 0; i < GATEWAYS; i++)
        if (!m->gateway_gone[i])
            (void)map_set(&w->gateway_numbers, id(5, i), (void *)(i + 1));
    return w;
}

static void make_live(struct test_rng *r, struct live *l)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        const struct session_row session = {.id = id(6, i),
                                            .device_id = id(1, i),
                                            .person_id = id(0, i % PEOPLE),
                                            .email = "a@b",
                                            .inner_v4 = id(7, i),
                                            .inner_v6 = id(7, i),
                                            .expires_at = EXPIRES_US};
        assert_non_null(live_put_session(l, &session));
        char connection[ID_LEN_MAX];
        snprintf(connection, sizeof(connection), "con_%zu", i);
        const struct connection_row row = {.id = connection,
                                           .session_id = session.id,
                                           .site_id = "site",
                                           .gateway_id = id(5, i % GATEWAYS),
                                           .state = LINK_READY};
        assert_non_null(live_put_connection(l, &row));
        for (size_t k = 0; k < LEASES / SESSIONS; k++) {
            char lease[ID_LEN_MAX];
            snprintf(lease, sizeof(lease), "lea_%zu_%zu", i, k);
            assert_non_null(live_put_lease(l, &(struct lease_row){.id = lease,
                                                                  .connection_id = connection,
                                                                  .session_id = session.id,
                                                                  .resource_id = id(3, test_rng_below(r, RESOURCES)),
                                                                  .decision_id = "dec",
                                                                  .state = LEASE_READY,
                                                                  .valid_until = EXPIRES_US}));
        }
    }
}

/* The oracle for one lease: read off the model rule by rule. */
static bool permitted(const struct model *m, size_t session, const char *resource)
{
    size_t person = session % PEOPLE;
    bool permit = false, forbid = false, in[GROUPS] = {false};
    if (m->disabled[person] || m->blocked[session] || m->gateway_gone[session % GATEWAYS])
        return false;
    for (size_t i = 0; i < MEMBERS; i++)
        if (m->members[i].member == person)
            in[m->members[i].group] = true;
    for (size_t i = 0; i < RULES; i++)
        if (in[m->rules[i].group] && str_eq(resource, id(3, m->rules[i].resource))) {
            permit |= m->rules[i].effect == POLICY_PERMIT;
            forbid |= m->rules[i].effect == POLICY_DENY;
        }
    return permit && !forbid;
}

static void execute(struct live *l, const struct judgements *j)
{
    for (size_t i = judgements_n(j); i > 0; i--) {
        const struct judgement *one = judgement_at(j, i - 1);
        if (one->what == JUDGED_LEASE)
            live_drop_lease(l, one->id);
        else if (one->what == JUDGED_CONNECTION)
            live_drop_connection(l, one->id);
        else if (one->what == JUDGED_SESSION)
            live_drop_session(l, one->id);
    }
}

static const char *lease_id(size_t session, size_t k)
{
    static char text[ID_LEN_MAX];
    snprintf(text, sizeof(text), "lea_%zu_%zu", session, k);
    return text;
}

/* One change of the world: exactly the leases that were there and that the new world permits are left. */
static void step(struct test_rng *r, struct model *m, struct live *l)
{
    bool expected[SESSIONS][LEASES / SESSIONS];
    struct judgements j = {0};
    change(r, m);
    struct world *w = world_of(m);
    for (size_t i = 0; i < SESSIONS; i++)
        for (size_t k = 0; k < LEASES / SESSIONS; k++) {
            const struct live_lease *lease = live_lease(l, lease_id(i, k));
            expected[i][k] = lease && permitted(m, i, lease->resource);
        }
    judge(l, w, true, NOW_US, &j);
    execute(l, &j);
    for (size_t i = 0; i < SESSIONS; i++)
        for (size_t k = 0; k < LEASES / SESSIONS; k++)
            assert_int_equal(live_lease(l, lease_id(i, k)) != NULL, expected[i][k]);
    judgements_done(&j);
    judge(l, w, true, NOW_US, &j); /* nothing more to say */
    assert_int_equal(judgements_n(&j), 0);
    judgements_done(&j);
    world_unref(w);
}

static void exactly_what_the_world_permits_is_left(void **state)
{
    struct test_rng r = test_rng_seeded("judge");
    for (int round = 0; round < 300; round++) {
        struct model m;
        struct live l = {0};
        make_live(&r, &l);
        for (int i = 0; i < 4; i++)
            step(&r, &m, &l);
        live_done(&l);
    }
}

/* A world in which everybody may reach everything. */
static struct world *open_world(void)
{
    struct model m = {0};
    for (size_t i = 0; i < RULES; i++)
        m.rules[i] = (struct policy_rule_in){
            .id = id(4, i), .effect = POLICY_PERMIT, .group = 0, .resource = (uint32_t)(i % RESOURCES)};
    for (size_t i = 0; i < MEMBERS; i++)
        m.members[i] = (struct policy_member_in){(uint32_t)(i % PEOPLE), 0, false};
    return world_of(&m);
}

static void time_alone_ends_a_session(void **state)
{
    struct test_rng r = test_rng_seeded("time");
    struct live l = {0};
    struct judgements j = {0};
    struct world *w = open_world();
    make_live(&r, &l);
    judge(&l, w, true, EXPIRES_US - 1, &j);
    assert_int_equal(judgements_n(&j), 0);
    map_for_each (it, &l.leases)
        ((struct live_lease *)it->value)->held = false;
    judge(&l, w, false, EXPIRES_US, &j);
    assert_int_equal(judgements_n(&j), SESSIONS); /* with all below them */
    for (size_t i = 0; i < SESSIONS; i++)
        assert_true(judgement_at(&j, i)->what == JUDGED_SESSION && judgement_at(&j, i)->why.expired);
    judgements_done(&j);
    live_done(&l);
    world_unref(w);
}

static void a_clock_that_is_set_back_gives_no_time(void **state)
{
    static const int64_t hour_us = INT64_C(3600) * 1000000;
    struct test_rng r = test_rng_seeded("back");
    struct live l = {0};
    struct judgements j = {0};
    struct world *w = open_world();
    make_live(&r, &l);
    live_set_back(&l, hour_us);
    judge(&l, w, true, EXPIRES_US - hour_us - 1, &j);
    assert_int_equal(judgements_n(&j), LEASES); /* on record with the new hour, none ends */
    for (size_t i = 0; i < LEASES; i++) {
        assert_int_equal(judgement_at(&j, i)->what, JUDGED_EXTENDED);
        assert_true(judgement_at(&j, i)->valid_until_us == EXPIRES_US - hour_us);
    }
    judgements_done(&j);
    j = (struct judgements){0};
    /* Reading the row again does not undo it; a session that begins afterwards is not touched. */
    struct session_row row = {.id = id(6, 0), .device_id = id(1, 0), .person_id = id(0, 0), .expires_at = EXPIRES_US};
    assert_true(live_put_session(&l, &row)->expires_us == EXPIRES_US - hour_us);
    row = (struct session_row){.id = "later",
                               .device_id = "x",
                               .person_id = id(0, 0),
                               .email = "a@b",
                               .inner_v4 = "v4",
                               .inner_v6 = "v6",
                               .expires_at = EXPIRES_US};
    assert_true(live_put_session(&l, &row)->expires_us == EXPIRES_US);
    judge(&l, w, false, EXPIRES_US - hour_us, &j);
    assert_true(judgements_n(&j) >= SESSIONS);
    judgements_done(&j);
    live_done(&l);
    world_unref(w);
}

/* What was not read since the last world is looked at although the world is the same. */
static void a_held_lease_is_judged_by_the_world_of_now(void **state)
{
    struct test_rng r = test_rng_seeded("held");
    struct model m = {0};
    struct live l = {0};
    struct judgements j = {0};
    for (size_t i = 0; i < RULES; i++)
        m.rules[i] = (struct policy_rule_in){.id = id(4, i), .effect = POLICY_DENY};
    struct world *w = world_of(&m);
    make_live(&r, &l);
    judge(&l, w, false, NOW_US, &j);
    assert_int_equal(judgements_n(&j), LEASES + SESSIONS);
    judgements_done(&j);
    map_for_each (it, &l.leases)
        ((struct live_lease *)it->value)->held = false;
    judge(&l, w, false, NOW_US, &j);
    assert_int_equal(judgements_n(&j), 0);
    judgements_done(&j);
    live_done(&l);
    world_unref(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_what_the_world_permits_is_left),
        cmocka_unit_test(time_alone_ends_a_session),
        cmocka_unit_test(a_clock_that_is_set_back_gives_no_time),
        cmocka_unit_test(a_held_lease_is_judged_by_the_world_of_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
