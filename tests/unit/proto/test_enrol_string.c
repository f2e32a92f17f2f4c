/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "proto/enrol_string.h"
#include "test.h"

static const uint8_t KEY[32] = {1, 2, 3};
static const struct enrol_string GOOD = {
    .v = 1,
    .url = "https://postern.example:8443",
    .agents_url = "https://postern.example:8444",
    .token = "pst_gw_x",
    .pin = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    .ca = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    .key = {KEY, 32},
};

static int decode(const char *text, struct enrol_string *out, struct arena *a)
{
    arena_init(a, 32768);
    return enrol_string_decode(text, a, out);
}

static void test_round_trip(void **state)
{
    BUF_AUTO text = {0};
    struct enrol_string back;
    struct arena a;
    buf_puts(&text, "\n ");
    enrol_string_encode(&GOOD, &text);
    buf_puts(&text, "\n");
    assert_int_equal(decode(buf_str(&text), &back, &a), 0);
    assert_true(rec_equal(&enrol_string_rec, &GOOD, &back));
    arena_done(&a);
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"",      "pstenr_",     "pstenr_e30",           "pstenr_AAAA",
                                      "pst_x", "pstenr_e30=", "pstenr_e30 pstenr_e30"};
    struct enrol_string back;
    struct arena a;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int r = decode(bad[i], &back, &a);
        assert_true(r == -EINVAL || r == -EPROTONOSUPPORT);
        arena_done(&a);
    }
}

static void test_cut_anywhere(void **state)
{
    BUF_AUTO text = {0};
    struct enrol_string back;
    struct arena a;
    enrol_string_encode(&GOOD, &text);
    while (text.len--) {
        text.data[text.len] = '\0';
        assert_int_not_equal(decode(text.data, &back, &a), 0);
        arena_done(&a);
        if (!text.len)
            break;
    }
}

static void test_another_version(void **state)
{
    BUF_AUTO text = {0};
    struct enrol_string back, next = GOOD;
    struct arena a;
    next.v = 2;
    enrol_string_encode(&next, &text);
    assert_int_equal(decode(buf_str(&text), &back, &a), -EPROTONOSUPPORT);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_another_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
