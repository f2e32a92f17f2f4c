/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nft/denied.h"
#include "test.h"

static struct nft_denied flow(uint8_t host, uint64_t packets)
{
    return (struct nft_denied){.inner = {.lo = host}, .protocol = 6, .port = 22, .packets = packets};
}

static void test_gives_differences(void **state)
{
    struct denied_tally t = {0};
    struct nft_denied f[] = {flow(1, 5), flow(2, 7)};
    assert_int_equal(denied_tally_update(&t, f, 2), 2);
    assert_int_equal(f[1].packets, 7);
    struct nft_denied g[] = {flow(1, 5), flow(2, 9)};
    assert_int_equal(denied_tally_update(&t, g, 2), 1);
    assert_int_equal(g[0].inner.lo, 2);
    assert_int_equal(g[0].packets, 2);
    denied_tally_done(&t);
}

static void test_a_total_that_shrank_was_begun_anew(void **state)
{
    struct denied_tally t = {0};
    struct nft_denied f[] = {flow(1, 5)}, g[] = {flow(1, 3)};
    assert_int_equal(denied_tally_update(&t, f, 1), 1);
    assert_int_equal(denied_tally_update(&t, g, 1), 1);
    assert_int_equal(g[0].packets, 3);
    denied_tally_done(&t);
}

static void test_a_flow_that_was_gone_counts_from_zero(void **state)
{
    struct denied_tally t = {0};
    struct nft_denied f[] = {flow(1, 5)}, g[] = {flow(1, 6)};
    assert_int_equal(denied_tally_update(&t, f, 1), 1);
    assert_int_equal(denied_tally_update(&t, NULL, 0), 0);
    assert_int_equal(denied_tally_update(&t, g, 1), 1);
    assert_int_equal(g[0].packets, 6);
    denied_tally_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_differences),
        cmocka_unit_test(test_a_total_that_shrank_was_begun_anew),
        cmocka_unit_test(test_a_flow_that_was_gone_counts_from_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
