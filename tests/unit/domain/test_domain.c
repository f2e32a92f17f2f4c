/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/addressing.h"
#include "server/domain/choice.h"
#include "server/domain/lease.h"
#include "test.h"

static void leases_only_take_their_edges(void **state)
{
    static const enum lease_state allowed[][2] = {{LEASE_PENDING, LEASE_READY},
                                                  {LEASE_PENDING, LEASE_REVOKED},
                                                  {LEASE_PENDING, LEASE_EXPIRED},
                                                  {LEASE_READY, LEASE_REVOKED},
                                                  {LEASE_READY, LEASE_EXPIRED}};
    for (enum lease_state from = LEASE_PENDING; from <= LEASE_EXPIRED; from++)
        for (enum lease_state to = LEASE_PENDING; to <= LEASE_EXPIRED; to++) {
            enum lease_state s = from;
            bool expected = false;
            for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
                expected |= allowed[i][0] == from && allowed[i][1] == to;
            assert_int_equal(lease_set(&s, to, "lea_x", "test"), expected ? 0 : -EINVAL);
            assert_int_equal(s, expected ? to : from);
        }
    assert_true(lease_live(LEASE_READY));
    assert_false(lease_live(LEASE_REVOKED));
}

static void ended_connections_stay_ended(void **state)
{
    enum link_state s = LINK_PENDING;
    assert_int_equal(link_set(&s, LINK_READY, "con_x", "test"), 0);
    assert_int_equal(link_set(&s, LINK_PENDING, "con_x", "test"), -EINVAL);
    assert_int_equal(link_set(&s, LINK_ENDED, "con_x", "test"), 0);
    assert_int_equal(link_set(&s, LINK_READY, "con_x", "test"), -EINVAL);
    assert_false(link_live(s));
}

enum { SLOTS = 4096 };

/* What the statement `slots_taken` answers. */
static size_t window(const bool taken[SLOTS], uint32_t from, int64_t out[SLOT_WINDOW])
{
    size_t n = 0;
    for (uint32_t i = from; i < SLOTS && n < SLOT_WINDOW; i++)
        if (taken[i])
            out[n++] = i;
    return n;
}

/* Whole search the way sign-in does it: from the preferred slot to the end, then from the beginning. */
static uint32_t search(const bool taken[SLOTS], uint32_t preferred)
{
    const uint32_t ranges[][2] = {{preferred, SLOTS}, {0, preferred}};
    int64_t found[SLOT_WINDOW];
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        for (uint32_t from = ranges[i][0]; from < ranges[i][1];) {
            uint32_t slot;
            if (slot_search(found, window(taken, from, found), from, ranges[i][1], &slot))
                return slot;
            from = slot;
        }
    return SLOTS;
}

static uint32_t oracle(const bool taken[SLOTS], uint32_t preferred)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        if (!taken[(preferred + i) % SLOTS])
            return (preferred + i) % SLOTS;
    return SLOTS;
}

static void the_search_finds_the_next_free_slot(void **state)
{
    struct test_rng r = test_rng_seeded("addressing");
    static bool taken[SLOTS];
    for (int round = 0; round < 300; round++) {
        uint64_t density = test_rng_below(&r, 65); /* of 64: up to entirely full */
        for (size_t i = 0; i < SLOTS; i++)
            taken[i] = test_rng_below(&r, 64) < density;
        if (round % 3 == 0) /* long runs are where windows end */
            memset(taken + test_rng_below(&r, SLOTS / 2), 1, SLOTS / 2);
        uint32_t preferred = (uint32_t)test_rng_below(&r, SLOTS);
        assert_int_equal(search(taken, preferred), oracle(taken, preferred));
    }
}

static void slots_are_addresses_of_both_pools(void **state)
{
    struct inner_pools pools = inner_pools_of("org_01JD2Q8W6Z6T3V9XK4M5N7P8QR");
    struct inner_pools other = inner_pools_of("org_01JD2Q8W6Z6T3V9XK4M5N7P8QS");
    char text[NET_ADDR_TEXT];
    net_addr_format(inner_v4(&pools, 256), text);
    assert_string_equal(text, "100.64.1.0");
    assert_true(net_prefix_contains(pools.v4, inner_v4(&pools, pools.n_slots - 2)));
    assert_true(net_prefix_contains(pools.v6, inner_v6(&pools, pools.n_slots - 2)));
    assert_int_equal(inner_v6(&pools, 0).hi >> 56, 0xfd);
    assert_false(net_prefix_eq(pools.v6, other.v6));
    uint32_t slot = slot_preferred(&pools, "dev_01JD2Q8W6Z6T3V9XK4M5N7P8QR");
    assert_true(slot >= SLOT_FIRST && slot < pools.n_slots - 1);
    assert_int_equal(slot, slot_preferred(&pools, "dev_01JD2Q8W6Z6T3V9XK4M5N7P8QR"));
}

static void the_gateway_in_use_goes_first_then_the_least_loaded(void **state)
{
    struct candidate c[] = {{"gwy_c", true, true, false, 3},
                            {"gwy_b", true, true, false, 3},
                            {"gwy_a", false, true, true, 0},
                            {"gwy_d", true, false, false, 0},
                            {"gwy_e", true, true, true, 9}};
    assert_int_equal(gateway_choose(c, 5), 4);
    assert_int_equal(gateway_choose(c, 4), 1);
    assert_int_equal(gateway_choose(c + 2, 2), -1);
    assert_int_equal(gateway_choose(NULL, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leases_only_take_their_edges),
        cmocka_unit_test(ended_connections_stay_ended),
        cmocka_unit_test(the_search_finds_the_next_free_slot),
        cmocka_unit_test(slots_are_addresses_of_both_pools),
        cmocka_unit_test(the_gateway_in_use_goes_first_then_the_least_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
