/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "client/routes.h"
#include "test.h"

enum { TUNNEL = 7, ETHERNET = 2, KERNEL_PROTO = 2, MAX_ROUTES = 64 };

/* A naive kernel: a list of routes, changed by the steps that it is told. */
struct model {
    struct route routes[MAX_ROUTES];
    size_t n;
    struct route clashes[MAX_ROUTES];
    size_t n_clashes;
    bool refused; /* a step that the kernel would not take */
};

static struct net_prefix prefix(const char *text)
{
    struct net_prefix p;
    assert_int_equal(net_prefix_parse(text, &p), 0);
    return p;
}

static bool same(const struct route *a, const struct route *b)
{
    return net_prefix_eq(a->to, b->to) && a->interface == b->interface && a->protocol == b->protocol;
}

static void play(void *arg, enum route_step step, const struct route *route)
{
    struct model *m = arg;
    struct route r = *route; /* it may lie in the list that is changed */
    size_t kept = 0;
    switch (step) {
    case ROUTE_CLASH:
        m->clashes[m->n_clashes++] = r;
        return;
    case ROUTE_ADD:
        for (size_t i = 0; i < m->n; i++)
            m->refused |= net_prefix_eq(m->routes[i].to, r.to);
        m->routes[m->n++] = r;
        return;
    case ROUTE_REMOVE:
        m->refused |= r.protocol != ROUTES_PROTOCOL;
        for (size_t i = 0; i < m->n; i++)
            if (!same(&m->routes[i], &r))
                m->routes[kept++] = m->routes[i];
        m->refused |= kept == m->n;
        m->n = kept;
        return;
    }
}

static void run(struct model *m, struct net_prefix *wanted, size_t n, const struct net_addr *endpoints,
                size_t n_endpoints)
{
    struct route actual[MAX_ROUTES];
    memcpy(actual, m->routes, sizeof(actual));
    routes_diff(actual, m->n, wanted, n, TUNNEL, endpoints, n_endpoints, play, m);
    assert_false(m->refused);
}

static void test_leftovers_go_and_foreign_routes_stay(void **state)
{
    struct model m = {.routes = {{prefix("10.9.0.0/16"), ETHERNET, ROUTES_PROTOCOL},
                                 {prefix("10.8.0.0/16"), TUNNEL, ROUTES_PROTOCOL},
                                 {prefix("0.0.0.0/0"), ETHERNET, KERNEL_PROTO}},
                      .n = 3};
    struct net_prefix wanted[] = {prefix("10.8.0.0/16"), prefix("fd00::/64"), prefix("10.8.0.0/16")};
    run(&m, wanted, 3, NULL, 0);
    assert_int_equal(m.n, 3);
    assert_int_equal(m.routes[1].protocol, KERNEL_PROTO);
    assert_true(net_prefix_eq(m.routes[2].to, prefix("fd00::/64")));
    assert_int_equal(m.n_clashes, 0);
}

static void test_a_local_route_below_is_told(void **state)
{
    struct model m = {.routes = {{prefix("10.8.5.0/24"), ETHERNET, KERNEL_PROTO}}, .n = 1};
    struct net_prefix wanted[] = {prefix("10.8.0.0/16")};
    run(&m, wanted, 1, NULL, 0);
    assert_int_equal(m.n, 2); /* ours is there; the narrower one takes its part */
    assert_int_equal(m.n_clashes, 1);
    assert_true(net_prefix_eq(m.clashes[0].to, prefix("10.8.5.0/24")));
}

static void test_an_equal_local_route_keeps_its_place(void **state)
{
    struct model m = {.routes = {{prefix("10.8.0.0/16"), ETHERNET, KERNEL_PROTO}}, .n = 1};
    struct net_prefix wanted[] = {prefix("10.8.0.0/16")};
    run(&m, wanted, 1, NULL, 0);
    assert_int_equal(m.n, 1);
    assert_int_equal(m.n_clashes, 1);
}

static void test_the_tunnel_does_not_lead_into_itself(void **state)
{
    struct model m = {0};
    struct net_prefix wanted[] = {prefix("198.51.100.0/24"), prefix("10.0.0.0/8")};
    struct net_addr endpoint = prefix("198.51.100.7").addr;
    run(&m, wanted, 2, &endpoint, 1);
    assert_int_equal(m.n, 1);
    assert_int_equal(m.n_clashes, 1);
}

static struct net_prefix random_prefix(struct test_rng *rng)
{
    static const char *const text[] = {"10.0.0.0/8", "10.8.0.0/16", "10.8.5.0/24", "10.8.5.7", "10.9.0.0/16",
                                       "0.0.0.0/0",  "fd00::/8",    "fd00:1::/32", "fd00:1::7"};
    return prefix(text[test_rng_below(rng, ARRAY_LEN(text))]);
}

static bool has(const struct model *m, struct net_prefix to, bool our)
{
    for (size_t i = 0; i < m->n; i++)
        if (net_prefix_eq(m->routes[i].to, to) && (m->routes[i].protocol == ROUTES_PROTOCOL) == our)
            return true;
    return false;
}

/* Afterwards: ours are exactly the wanted ones that nobody else holds; foreign ones are as before; again changes
 * nothing. */
static void check(struct model *m, const struct model *before, struct net_prefix *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(has(m, wanted[i], true) == !has(before, wanted[i], false));
    for (size_t i = 0; i < m->n; i++) {
        bool is_wanted = false;
        for (size_t k = 0; k < n; k++)
            is_wanted |= net_prefix_eq(wanted[k], m->routes[i].to);
        assert_true(m->routes[i].protocol != ROUTES_PROTOCOL || (is_wanted && m->routes[i].interface == TUNNEL));
    }
    for (size_t i = 0; i < before->n; i++)
        if (before->routes[i].protocol != ROUTES_PROTOCOL)
            assert_true(has(m, before->routes[i].to, false));
    struct model again = *m;
    run(&again, wanted, n, NULL, 0);
    assert_memory_equal(again.routes, m->routes, sizeof(m->routes));
}

static void test_against_an_oracle(void **state)
{
    struct test_rng rng = test_rng_seeded(__func__);
    for (int round = 0; round < 5000; round++) {
        struct model m = {0};
        struct net_prefix wanted[6];
        for (size_t i = test_rng_below(&rng, 8); i > 0; i--) {
            struct route r = {random_prefix(&rng), test_rng_below(&rng, 2) ? TUNNEL : ETHERNET,
                              test_rng_below(&rng, 2) ? ROUTES_PROTOCOL : KERNEL_PROTO};
            if (!has(&m, r.to, true) && !has(&m, r.to, false))
                m.routes[m.n++] = r;
        }
        size_t n = test_rng_below(&rng, ARRAY_LEN(wanted) + 1);
        for (size_t i = 0; i < n; i++)
            wanted[i] = random_prefix(&rng);
        struct model before = m;
        run(&m, wanted, n, NULL, 0);
        check(&m, &before, wanted, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leftovers_go_and_foreign_routes_stay),
        cmocka_unit_test(test_a_local_route_below_is_told),
        cmocka_unit_test(test_an_equal_local_route_keeps_its_place),
        cmocka_unit_test(test_the_tunnel_does_not_lead_into_itself),
        cmocka_unit_test(test_against_an_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
