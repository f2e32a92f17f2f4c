/* SPDX-License-Identifier: Apache-2.0 */
#include "server/frame/frame.h"
#include "test.h"

enum { ROUNDS = 20000, STEPS = 24 };

static void test_connection(void **state)
{
    struct frame_order o = {0};
    assert_int_equal(frame_order_step(&o, &(struct frame){.type = FRAME_REQUEST, .stream = 1}), -EPROTO);
    assert_int_equal(frame_order_step(&o, &(struct frame){.type = FRAME_HELLO}), 0);
    assert_int_equal(frame_order_step(&o, &(struct frame){.type = FRAME_HELLO}), -EPROTO);
    assert_int_equal(frame_order_step(&o, &(struct frame){.type = FRAME_CANCEL, .stream = 1}), -EPROTO);
    assert_int_equal(frame_order_step(&o, &(struct frame){.type = FRAME_REQUEST, .stream = 5}), 0);
    assert_int_equal(frame_order_step(&o, &(struct frame){.type = FRAME_REQUEST, .stream = 5}), -EPROTO);
    assert_int_equal(frame_order_step(&o, &(struct frame){.type = FRAME_REQUEST, .stream = 4}), -EPROTO);
    assert_int_equal(frame_order_step(&o, &(struct frame){.type = FRAME_CREDIT, .stream = 5}), 0);
    assert_int_equal(frame_order_step(&o, &(struct frame){.type = FRAME_CREDIT, .stream = 6}), -EPROTO);
}

/* The rules of frame.h over the whole history, without a state. */
static bool may_follow(const unsigned n[static FRAME_TYPE_END], enum frame_type type)
{
    bool finished = n[FRAME_RESPONSE] || n[FRAME_STREAM_END];
    if (type == FRAME_REQUEST)
        return !n[FRAME_REQUEST];
    if (!n[FRAME_REQUEST] || finished)
        return false;
    switch (type) {
    case FRAME_CANCEL:
        return !n[FRAME_CANCEL];
    case FRAME_CREDIT:
        return n[FRAME_STREAM_START] && !n[FRAME_CANCEL] && n[FRAME_CREDIT] == n[FRAME_STREAM_DATA];
    case FRAME_RESPONSE:
    case FRAME_STREAM_START:
        return !n[FRAME_STREAM_START];
    case FRAME_STREAM_DATA:
        return n[FRAME_STREAM_START] && n[FRAME_CREDIT] == n[FRAME_STREAM_DATA] + 1;
    case FRAME_STREAM_END:
        return n[FRAME_STREAM_START] || n[FRAME_CANCEL];
    default:
        return false;
    }
}

static void test_stream_against_history(void **state)
{
    struct test_rng rng = test_rng_seeded("stream");
    for (int i = 0; i < ROUNDS; i++) {
        struct frame_stream s = {0};
        unsigned n[FRAME_TYPE_END] = {0};
        for (int step = 0; step < STEPS; step++) {
            enum frame_type type = (enum frame_type)(1 + test_rng_below(&rng, FRAME_TYPE_END - 1));
            struct frame_stream before = s;
            bool want = may_follow(n, type);
            assert_int_equal(frame_stream_step(&s, type), want ? 0 : -EPROTO);
            if (want)
                n[type]++;
            else
                assert_memory_equal(&s, &before, sizeof(s));
            assert_int_equal(s.state == FRAME_ENDED, n[FRAME_RESPONSE] || n[FRAME_STREAM_END]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection),
        cmocka_unit_test(test_stream_against_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
