/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"
#include "policy/partition.h"
#include "test.h"

static struct net_prefix prefix(const char *text)
{
    struct net_prefix p;
    assert_int_equal(net_prefix_parse(text, &p), 0);
    return p;
}

static struct net_addr addr(const char *text)
{
    struct net_addr a;
    assert_int_equal(net_addr_parse(text, &a), 0);
    return a;
}

/* protocol < 0: all of them. */
static struct policy_cover cover(const char *text, int protocol, uint16_t first, uint16_t last, uint32_t resource)
{
    struct policy_box box = {prefix(text), (uint8_t)MAX(protocol, 0), (uint8_t)(protocol < 0 ? 255 : protocol), first,
                             last};
    return (struct policy_cover){box, resource};
}

static bool box_holds(const struct policy_box *b, struct net_addr a, uint8_t protocol, uint16_t port)
{
    return net_prefix_contains(b->prefix, a) && b->protocol_first <= protocol && protocol <= b->protocol_last &&
           b->port_first <= port && port <= b->port_last;
}

/* The oracle: which resources cover the point, read off the input box by box. */
static size_t covering(const struct policy_cover *covers, size_t n, struct net_addr a, uint8_t protocol, uint16_t port,
                       uint32_t *out)
{
    size_t found = 0;
    for (uint32_t resource = 0; resource < 64; resource++)
        for (size_t i = 0; i < n; i++)
            if (covers[i].resource == resource && box_holds(&covers[i].box, a, protocol, port)) {
                out[found++] = resource;
                break;
            }
    return found;
}

static void check_point(const struct policy_partition *p, const struct policy_cover *covers, size_t n,
                        struct net_addr a, uint8_t protocol, uint16_t port)
{
    uint32_t expected[64];
    size_t n_expected = covering(covers, n, a, protocol, port, expected), holders = 0;
    const struct policy_class *class = policy_partition_find(p, a, protocol, port), *holder = NULL;
    for (size_t i = 0; i < p->n_classes; i++)
        for (size_t k = 0; k < p->classes[i].n_boxes; k++)
            if (box_holds(&p->classes[i].boxes[k], a, protocol, port)) {
                holder = &p->classes[i];
                holders++;
            }
    assert_int_equal(holders, n_expected ? 1 : 0);
    assert_ptr_equal(class, holder);
    if (class) {
        assert_int_equal(class->n_resources, n_expected);
        assert_memory_equal(class->resources, expected, n_expected * sizeof(*expected));
    }
}

static void a_hole_stays_a_class_of_its_own(void **state)
{
    const struct policy_cover covers[] = {cover("10.0.0.0/16", -1, 0, 65535, 0), cover("10.0.5.9", -1, 0, 65535, 1)};
    struct policy_partition *p = policy_partition_new(covers, 2, sha256);
    assert_int_equal(p->n_classes, 2);
    const struct policy_class *hole = policy_partition_find(p, addr("10.0.5.9"), 6, 443);
    const struct policy_class *rest = policy_partition_find(p, addr("10.0.5.8"), 6, 443);
    assert_int_equal(hole->n_resources, 2);
    assert_int_equal(hole->n_boxes, 1);
    assert_int_equal(rest->n_resources, 1);
    assert_int_equal(rest->n_boxes, 16); /* a /16 without one address: one prefix for each length 17..32 */
    assert_null(policy_partition_find(p, addr("10.1.0.0"), 6, 443));
    assert_null(policy_partition_find(p, addr("::a00:509"), 6, 443));
    policy_partition_free(p);
}

static void nothing_gives_no_classes(void **state)
{
    struct policy_partition *p = policy_partition_new(NULL, 0, sha256);
    assert_int_equal(p->n_classes, 0);
    assert_null(policy_partition_find(p, addr("10.0.0.1"), 6, 80));
    policy_partition_free(p);
}

/* ::/0 cut right beside ::ffff:0:0/96 must not leave that prefix over: on its own it means all of IPv4. */
static void an_ipv6_remainder_never_becomes_ipv4(void **state)
{
    const struct policy_cover covers[] = {cover("::/0", -1, 0, 65535, 0), cover("::fffe:0:0/96", -1, 0, 65535, 1)};
    struct policy_partition *p = policy_partition_new(covers, 2, sha256);
    assert_null(policy_partition_find(p, addr("10.0.0.1"), 6, 80));
    for (size_t i = 0; i < p->n_classes; i++)
        for (size_t k = 0; k < p->classes[i].n_boxes; k++)
            assert_false(net_prefix_is_v4(p->classes[i].boxes[k].prefix));
    policy_partition_free(p);
}

static void the_id_depends_on_the_points_alone(void **state)
{
    const struct policy_cover whole[] = {cover("10.0.0.0/24", 6, 1, 100, 3)};
    const struct policy_cover parts[] = {cover("10.0.0.128/25", 6, 51, 100, 8), cover("10.0.0.0/25", 6, 1, 100, 8),
                                         cover("10.0.0.128/25", 6, 1, 60, 8), cover("10.0.0.128/26", 6, 7, 8, 8)};
    const struct policy_cover beside[] = {cover("10.0.0.0/24", 6, 1, 100, 0), cover("10.0.0.0/25", 6, 200, 300, 1)};
    struct policy_partition *a = policy_partition_new(whole, 1, sha256);
    struct policy_partition *b = policy_partition_new(parts, 4, sha256);
    struct policy_partition *c = policy_partition_new(beside, 2, sha256);
    assert_int_equal(a->n_classes, 1);
    assert_int_equal(b->n_classes, 1);
    assert_string_equal(a->classes[0].id, b->classes[0].id);
    assert_string_equal(a->classes[0].id, policy_partition_find(c, addr("10.0.0.1"), 6, 50)->id);
    assert_string_not_equal(a->classes[0].id, policy_partition_find(c, addr("10.0.0.1"), 6, 250)->id);
    policy_partition_free(a);
    policy_partition_free(b);
    policy_partition_free(c);
}

/* Few distinct values, so that boxes nest, touch and coincide often. */
static struct policy_cover random_cover(struct test_rng *r)
{
    static const uint16_t ports[] = {0, 1, 79, 80, 81, 443, 1000, 65534, 65535};
    static const int protocols[] = {0, 1, 5, 6, 7, 17, 18, 58, 255};
    bool v4 = test_rng_below(r, 4) > 0;
    unsigned bits = (unsigned)(v4 ? 96 + test_rng_below(r, 33) : test_rng_below(r, 129));
    struct net_addr a = v4 ? addr("10.0.0.0") : addr("2001:db8::");
    a.lo ^= test_rng_below(r, 8) << test_rng_below(r, 29);
    unsigned p1 = (unsigned)test_rng_below(r, 9), p2 = (unsigned)test_rng_below(r, 9);
    unsigned q1 = (unsigned)test_rng_below(r, 9), q2 = (unsigned)test_rng_below(r, 9);
    struct policy_box box = {net_prefix_of(a, bits), (uint8_t)protocols[MIN(q1, q2)], (uint8_t)protocols[MAX(q1, q2)],
                             ports[MIN(p1, p2)], ports[MAX(p1, p2)]};
    return (struct policy_cover){box, (uint32_t)test_rng_below(r, 6)};
}

static struct net_addr near(struct test_rng *r, struct net_prefix p)
{
    struct net_addr ends[] = {p.addr, net_prefix_last(p)};
    struct net_addr a = ends[test_rng_below(r, 2)];
    uint64_t where = test_rng_below(r, 3);
    return where == 0 ? net_addr_plus(a, 1) : where == 1 ? net_addr_minus(a, 1) : a;
}

static void random_boxes_match_the_oracle(void **state)
{
    struct test_rng r = test_rng_seeded("partition");
    for (int round = 0; round < 600; round++) {
        struct policy_cover covers[12];
        size_t n = 1 + test_rng_below(&r, ARRAY_LEN(covers));
        for (size_t i = 0; i < n; i++)
            covers[i] = random_cover(&r);
        struct policy_partition *p = policy_partition_new(covers, n, sha256);
        for (int point = 0; point < 60; point++) {
            const struct policy_box *box = &covers[test_rng_below(&r, n)].box;
            const struct policy_box *other = &covers[test_rng_below(&r, n)].box;
            uint8_t protocol = (uint8_t)(box->protocol_first + test_rng_below(&r, 3) - 1);
            uint16_t port = (uint16_t)(other->port_last + test_rng_below(&r, 3) - 1);
            check_point(p, covers, n, near(&r, covers[test_rng_below(&r, n)].box.prefix), protocol, port);
        }
        policy_partition_free(p);
    }
}

static void shuffle(struct test_rng *r, struct policy_cover *covers, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t with = test_rng_below(r, i);
        struct policy_cover swap = covers[i - 1];
        covers[i - 1] = covers[with];
        covers[with] = swap;
    }
}

/* The same boxes in another order and with one cut in halves give the same classes. */
static void random_boxes_have_one_canonical_form(void **state)
{
    struct test_rng r = test_rng_seeded("canonical");
    for (int round = 0; round < 400; round++) {
        struct policy_cover covers[9];
        size_t n = 1 + test_rng_below(&r, 8), pick = test_rng_below(&r, n);
        for (size_t i = 0; i < n; i++)
            covers[i] = random_cover(&r);
        struct policy_partition *a = policy_partition_new(covers, n, sha256);
        unsigned bits = covers[pick].box.prefix.bits;
        covers[n] = covers[pick];
        if (bits < 128) {
            covers[n].box.prefix = net_prefix_of(net_prefix_last(covers[pick].box.prefix), bits + 1);
            covers[pick].box.prefix.bits++;
        }
        shuffle(&r, covers, n + 1);
        struct policy_partition *b = policy_partition_new(covers, n + 1, sha256);
        assert_int_equal(a->n_classes, b->n_classes);
        for (size_t i = 0; i < a->n_classes; i++) {
            size_t same = 0;
            for (size_t k = 0; k < b->n_classes; k++)
                same += str_eq(a->classes[i].id, b->classes[k].id);
            assert_int_equal(same, 1);
        }
        policy_partition_free(a);
        policy_partition_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hole_stays_a_class_of_its_own),      cmocka_unit_test(nothing_gives_no_classes),
        cmocka_unit_test(an_ipv6_remainder_never_becomes_ipv4), cmocka_unit_test(the_id_depends_on_the_points_alone),
        cmocka_unit_test(random_boxes_match_the_oracle),        cmocka_unit_test(random_boxes_have_one_canonical_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
