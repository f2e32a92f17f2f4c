/* SPDX-License-Identifier: Apache-2.0 */
#include "server/broker/view.h"
#include "test.h"

enum { ITEMS = 12, STEPS = 40 };

/* What an agent holds: content of each item, 0 = it has none. */
struct agent {
    uint64_t holds[ITEMS];
    int64_t bookmark;
};

struct message {
    size_t item;
    uint64_t content; /* 0 = deleted */
};

static struct message sent[ITEMS * 4];
static size_t n_sent;

static void on_gone(void *arg, unsigned rank, const char *kind, const char *id)
{
    assert_string_equal(kind, rank == 3 ? "grant" : "class");
    sent[n_sent++] = (struct message){strtoul(id, NULL, 10), 0};
}

static void render(struct view *v, const uint64_t state[ITEMS], int64_t revision)
{
    n_sent = 0;
    view_begin(v, revision);
    for (size_t i = 0; i < ITEMS; i++) {
        char id[8];
        snprintf(id, sizeof(id), "%zu", i);
        if (state[i] && view_offer(v, i % 2 ? 3 : 1, i % 2 ? "grant" : "class", id, state[i]) != VIEW_SAME)
            sent[n_sent++] = (struct message){i, state[i]};
    }
    view_end(v, on_gone, NULL);
    view_bookmark(v);
}

/* Applies only the first n messages: the connection broke there. */
static void receive(struct agent *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a->holds[sent[i].item] = sent[i].content;
}

static void change(struct test_rng *r, uint64_t state[ITEMS])
{
    for (uint64_t k = test_rng_below(r, 4); k > 0; k--)
        state[test_rng_below(r, ITEMS)] = test_rng_below(r, 3) ? 1 + test_rng_below(r, 5) : 0;
}

/* The oracle is the state itself: after every whole rendering the agent must hold exactly it, however often streams
 * broke in between and whatever was lost with them. */
static void an_agent_that_resumes_always_converges(void **unused)
{
    struct test_rng r = test_rng_seeded("view");
    for (int round = 0; round < 500; round++) {
        struct view v = {0};
        struct agent a = {.bookmark = -1};
        uint64_t state[ITEMS] = {0};
        int64_t revision = 100;
        for (int step = 0; step < STEPS; step++) {
            change(&r, state);
            revision += (int64_t)test_rng_below(&r, 2); /* time alone changes things too: same revision */
            render(&v, state, revision);
            bool broke = test_rng_below(&r, 3) == 0;
            receive(&a, broke ? test_rng_below(&r, n_sent + 1) : n_sent);
            if (!broke) {
                a.bookmark = revision;
                assert_memory_equal(a.holds, state, sizeof(state));
            } else if (a.bookmark < 0 || view_resume(&v, a.bookmark)) {
                view_reset(&v);
                memset(a.holds, 0, sizeof(a.holds));
                a.bookmark = -1;
            }
        }
        view_done(&v);
    }
}

static void what_came_before_the_bookmark_is_not_told_again(void **unused)
{
    struct view v = {0};
    uint64_t state[ITEMS] = {1, 1};
    render(&v, state, 10);
    render(&v, state, 10);
    assert_int_equal(n_sent, 0);
    state[1] = 2;
    render(&v, state, 10);
    assert_int_equal(n_sent, 1);
    assert_int_equal(view_resume(&v, 10), 0);
    render(&v, state, 10);
    assert_int_equal(n_sent, 1);
    assert_int_equal(sent[0].item, 1);
    view_done(&v);
}

static void a_foreign_revision_is_refused(void **unused)
{
    struct view v = {0};
    const uint64_t state[ITEMS] = {1};
    assert_int_equal(view_resume(&v, 5), -ESTALE);
    render(&v, state, 10);
    assert_int_equal(view_resume(&v, 9), -ESTALE);
    assert_int_equal(view_resume(&v, 11), -ESTALE);
    assert_int_equal(view_resume(&v, 10), 0);
    view_done(&v);
}

static void grants_go_before_the_classes_that_they_open(void **unused)
{
    struct view v = {0};
    const uint64_t state[ITEMS] = {1, 1, 1, 1}, nothing[ITEMS] = {0};
    render(&v, state, 1);
    render(&v, nothing, 2);
    assert_int_equal(n_sent, 4);
    assert_int_equal(sent[0].item % 2, 1);
    assert_int_equal(sent[1].item % 2, 1);
    view_done(&v);
}

static void tombstones_do_not_pile_up(void **unused)
{
    struct view v = {0};
    for (int i = 0; i < 3 * VIEW_TOMBSTONES_MAX; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        view_begin(&v, i);
        assert_int_equal(view_offer(&v, 3, "grant", id, 1), VIEW_ADDED);
        n_sent = 0;
        view_end(&v, on_gone, NULL);
    }
    assert_true(v.entries.len <= VIEW_TOMBSTONES_MAX + 2);
    assert_int_equal(view_resume(&v, 1), -ESTALE);
    view_done(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_that_resumes_always_converges),
        cmocka_unit_test(what_came_before_the_bookmark_is_not_told_again),
        cmocka_unit_test(a_foreign_revision_is_refused),
        cmocka_unit_test(grants_go_before_the_classes_that_they_open),
        cmocka_unit_test(tombstones_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
