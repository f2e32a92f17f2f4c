/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nft/classes.h"
#include "test.h"

static struct nft_box box(const char *prefix, uint8_t protocol, uint16_t port)
{
    struct nft_box b = {.protocol_first = protocol, .protocol_last = protocol, .port_first = port, .port_last = port};
    assert_int_equal(net_prefix_parse(prefix, &b.prefix), 0);
    return b;
}

static void test_content_keeps_its_mark_whatever_the_order(void **state)
{
    struct nft_box ab[] = {box("10.0.0.0/8", 6, 80), box("fd00::/8", 6, 80)}, ba[] = {ab[1], ab[0]};
    struct nft_class c = {.boxes = ab, .n_boxes = 2};
    struct class_table none = {0}, first = {0}, second = {0};
    uint32_t high = MARK_TAG;
    assert_int_equal(classes_assign(&none, &c, 1, &high, &first), 0);
    uint32_t mark = c.mark;
    assert_true(mark_is_ours(mark));
    c = (struct nft_class){.boxes = ba, .n_boxes = 2};
    assert_int_equal(classes_assign(&first, &c, 1, &high, &second), 0);
    assert_int_equal(c.mark, mark);
    class_table_done(&first);
    class_table_done(&second);
}

static void test_changed_content_takes_a_fresh_mark(void **state)
{
    struct nft_box one[] = {box("10.0.0.0/8", 6, 80)}, other[] = {box("10.0.0.0/8", 6, 81)};
    struct nft_class c = {.boxes = one, .n_boxes = 1};
    struct class_table none = {0}, first = {0}, second = {0}, third = {0};
    uint32_t high = MARK_TAG;
    assert_int_equal(classes_assign(&none, &c, 1, &high, &first), 0);
    uint32_t before = c.mark;
    c.boxes = other;
    assert_int_equal(classes_assign(&first, &c, 1, &high, &second), 0);
    assert_true(c.mark > before);
    /* And back again: the old mark is not reused. */
    c.boxes = one;
    assert_int_equal(classes_assign(&second, &c, 1, &high, &third), 0);
    assert_true(c.mark > before + 1);
    class_table_done(&first);
    class_table_done(&second);
    class_table_done(&third);
}

static void test_marks_run_out_closed(void **state)
{
    struct nft_box b = box("10.0.0.0/8", 6, 80);
    struct nft_class c = {.boxes = &b, .n_boxes = 1};
    struct class_table none = {0}, next = {0};
    uint32_t high = MARK_LAST;
    assert_int_equal(classes_assign(&none, &c, 1, &high, &next), -ENOSPC);
    class_table_done(&next);
}

static void test_only_our_marks_are_ours(void **state)
{
    assert_false(mark_is_ours(0));
    assert_false(mark_is_ours(MARK_TAG));
    assert_true(mark_is_ours(MARK_TAG + 1));
    assert_true(mark_is_ours(MARK_LAST));
    assert_false(mark_is_ours((uint32_t)MARK_LAST + 1));
}

/* Oracle: by bit masks of which of 16 possible boxes a class has. Contents keep marks while they stay, marks are never
 * seen again with another content, and the table holds exactly the desired boxes. */
enum { BOXES = 16, ROUNDS = 2000, MARKS = 20000 };

struct oracle {
    uint32_t content_of[MARKS]; /* by mark - tag; 0 = never given */
    uint32_t now[BOXES], n_now;
};

static size_t partition(struct test_rng *rng, uint32_t masks[static BOXES])
{
    size_t n = 1 + test_rng_below(rng, 5);
    memset(masks, 0, BOXES * sizeof(*masks));
    for (int i = 0; i < BOXES; i++)
        if (test_rng_below(rng, 4))
            masks[i / 4 % n] |= 1u << i;
    return n;
}

static void check_round(struct oracle *o, struct test_rng *rng, const struct nft_box *all, struct class_table *table,
                        uint32_t *high)
{
    uint32_t masks[BOXES];
    struct nft_box boxes[BOXES][BOXES];
    struct nft_class classes[BOXES] = {0};
    struct class_table next = {0};
    size_t n = partition(rng, masks), total = 0;
    for (size_t i = 0; i < n; i++) {
        classes[i].boxes = boxes[i];
        for (int k = 0; k < BOXES; k++)
            if (masks[i] & 1u << k)
                boxes[i][classes[i].n_boxes++] = all[k];
        total += classes[i].n_boxes;
    }
    assert_int_equal(classes_assign(table, classes, n, high, &next), 0);
    assert_int_equal(next.n_boxes, total);
    for (size_t i = 0; i < n; i++) {
        uint32_t *content = &o->content_of[classes[i].mark - MARK_TAG];
        bool stays = false;
        for (size_t k = 0; k < o->n_now; k++)
            stays |= masks[i] && o->now[k] == masks[i];
        assert_true(stays == (*content != 0));
        assert_true(*content == 0 || *content == masks[i]);
        *content = masks[i] ? masks[i] : UINT32_MAX;
        assert_true(classes[i].n_boxes == 0 || class_table_has(&next, classes[i].mark));
    }
    o->n_now = (uint32_t)n;
    memcpy(o->now, masks, sizeof(o->now));
    class_table_done(table);
    *table = next;
}

static void test_against_an_oracle(void **state)
{
    static struct oracle o;
    struct test_rng rng = test_rng_seeded(__func__);
    struct class_table table = {0};
    struct nft_box all[BOXES];
    uint32_t high = MARK_TAG;
    for (int i = 0; i < BOXES; i++)
        all[i] = box(i % 2 ? "10.1.0.0/16" : "fd00::/8", 6, (uint16_t)(i + 1));
    for (int i = 0; i < ROUNDS; i++)
        check_round(&o, &rng, all, &table, &high);
    class_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_keeps_its_mark_whatever_the_order),
        cmocka_unit_test(test_changed_content_takes_a_fresh_mark),
        cmocka_unit_test(test_marks_run_out_closed),
        cmocka_unit_test(test_only_our_marks_are_ours),
        cmocka_unit_test(test_against_an_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
