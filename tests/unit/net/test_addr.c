/* SPDX-License-Identifier: Apache-2.0 */
#include "net/addr.h"
#include "test.h"
#include <arpa/inet.h>

static void test_round_trip(void **state)
{
    static const char *const good[] = {"10.0.0.0/8", "10.1.2.3",      "0.0.0.0/0", "::/0", "2001:db8::/32",
                                       "::1",        "100.64.0.0/11", "fe80::/10", "::",   "255.255.255.255"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct net_prefix p;
        char text[NET_PREFIX_TEXT];
        assert_int_equal(net_prefix_parse(good[i], &p), 0);
        net_prefix_format(p, text);
        assert_string_equal(text, good[i]);
    }
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",           "10.0.0.1/8",   "10.0.0.0/33",     "2001:db8::1/32", "::/129",    "10.0.0.0/", "10.0.0.0/08",
        "10.0.0/24",  "fe80::1%eth0", "::ffff:10.0.0.1", " 10.0.0.1",      "10.0.0.1 ", "010.0.0.1", "::ffff:0:0/96",
        "1.2.3.4/-1", "10.0.0.0/8/8"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct net_prefix p;
        assert_int_equal(net_prefix_parse(bad[i], &p), -EINVAL);
    }
}

static struct net_prefix prefix(const char *s)
{
    struct net_prefix p;
    assert_int_equal(net_prefix_parse(s, &p), 0);
    return p;
}

static void test_families_apart(void **state)
{
    assert_false(net_prefix_contains(prefix("::/0"), prefix("10.0.0.1").addr));
    assert_false(net_prefix_covers(prefix("0.0.0.0/0"), prefix("::1")));
    assert_true(net_prefix_contains(prefix("::/0"), prefix("2001:db8::1").addr));
    assert_true(net_prefix_covers(prefix("0.0.0.0/0"), prefix("10.0.0.0/8")));
    assert_false(net_prefix_covers(prefix("10.0.0.0/8"), prefix("0.0.0.0/0")));
    assert_true(net_prefix_overlaps(prefix("10.0.0.0/8"), prefix("10.9.0.0/16")));
    assert_false(net_prefix_overlaps(prefix("10.8.0.0/16"), prefix("10.9.0.0/16")));
}

static void test_last_and_steps(void **state)
{
    assert_true(net_addr_eq(net_prefix_last(prefix("10.0.0.0/30")), prefix("10.0.0.3").addr));
    assert_true(net_addr_eq(net_prefix_last(prefix("2001:db8::/64")), prefix("2001:db8::ffff:ffff:ffff:ffff").addr));
    assert_true(net_addr_eq(net_addr_plus(net_prefix_last(prefix("2001:db8::/64")), 1), prefix("2001:db8:0:1::").addr));
    assert_true(
        net_addr_eq(net_addr_minus(prefix("2001:db8:0:1::").addr, 1), net_prefix_last(prefix("2001:db8::/64"))));
}

/* Bit by bit, as slow and plain as it can be. */
static bool naive_contains(const uint8_t *net, unsigned len, const uint8_t *a)
{
    for (unsigned i = 0; i < len; i++)
        if ((net[i / 8] >> (7 - i % 8) & 1) != (a[i / 8] >> (7 - i % 8) & 1))
            return false;
    return true;
}

static struct test_rng rng;

static unsigned pick(unsigned bound)
{
    return (unsigned)test_rng_below(&rng, bound);
}

static void random_bytes(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(pick(2) ? 0xff : pick(256));
}

static void test_contains_oracle(void **state)
{
    rng = test_rng_seeded("test_contains_oracle");
    for (int round = 0; round < 20000; round++) {
        uint8_t net[16], a[16], back[16];
        size_t n = pick(2) ? 4 : 16;
        unsigned len = pick((unsigned)n * 8 + 1);
        random_bytes(net, n);
        memcpy(a, net, n);
        a[pick((unsigned)n)] ^= (uint8_t)(1u << pick(8));
        struct net_addr na = n == 4 ? net_addr_from_v4(net) : net_addr_from_v6(net);
        struct net_addr aa = n == 4 ? net_addr_from_v4(a) : net_addr_from_v6(a);
        struct net_prefix p = net_prefix_of(na, len + (n == 4 ? 96 : 0));
        assert_int_equal(net_prefix_contains(p, aa), naive_contains(net, len, a));
        assert_int_equal(net_prefix_len(p), len);
        assert_int_equal(net_addr_bytes(aa, back), n);
        assert_memory_equal(back, a, n);
        assert_int_equal(net_addr_compare(na, aa) < 0, memcmp(net, a, n) < 0);
    }
}

static void test_endpoints(void **state)
{
    static const char *const good[] = {"198.51.100.2:51820", "[2001:db8::1]:443"};
    static const char *const bad[] = {
        "198.51.100.2", "198.51.100.2:0", "198.51.100.2:65536", "2001:db8::1:443", "[198.51.100.2]:1", "[::1]",
        ":1",           "[]:1",           "1.2.3.4:080"};
    struct net_endpoint e, back;
    struct sockaddr_storage sa;
    char text[NET_ENDPOINT_TEXT];
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(net_endpoint_parse(good[i], &e), 0);
        net_endpoint_format(e, text);
        assert_string_equal(text, good[i]);
        assert_true(net_endpoint_sockaddr(e, &sa) > 0);
        assert_int_equal(net_endpoint_from_sockaddr((struct sockaddr *)&sa, &back), 0);
        assert_true(net_addr_eq(e.addr, back.addr) && e.port == back.port);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(net_endpoint_parse(bad[i], &e), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_families_apart),  cmocka_unit_test(test_last_and_steps),
        cmocka_unit_test(test_contains_oracle), cmocka_unit_test(test_endpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
