/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/event.h"
#include "agent/lines.h"
#include "test.h"

#define ID(p) p "_01JD2Q8W6Z6T3V9XK4M5N7P8QR"
#define GRANT                                                                                                          \
    "{\"type\":\"added\",\"at_ms\":3,\"kind\":\"grant\",\"id\":\"" ID(                                                 \
        "lea") "\",\"revision\":\"e.7\",\"item\":{"                                                                    \
               "\"id\":\"" ID("lea") "\",\"connection\":\"" ID("con") "\",\"person\":\"" ID(                           \
                   "per") "\",\"resource\":\"" ID("res") "\",\"inner_v4\":\"100.64.0.1\",\"inner_v6\":\"fd00::1\","    \
                                                         "\"classes\":[\"c1\",\"c2\"],\"decision\":\"" ID("dec") "\"," \
                                                                                                                 "\"v" \
                                                                                                                 "ali" \
                                                                                                                 "d_"  \
                                                                                                                 "for" \
                                                                                                                 "_ms" \
                                                                                                                 "\":" \
                                                                                                                 "100" \
                                                                                                                 "0,"  \
                                                                                                                 "\"n" \
                                                                                                                 "ew_" \
                                                                                                                 "fie" \
                                                                                                                 "ld"  \
                                                                                                                 "\":" \
                                                                                                                 "1}," \
                                                                                                                 "\"a" \
                                                                                                                 "not" \
                                                                                                                 "her" \
                                                                                                                 "\":" \
                                                                                                                 "[]}"

static int parse(const struct event_role *role, const char *line, struct event *e)
{
    return event_parse(role, line, strlen(line), e);
}

static void test_grant(void **state)
{
    struct event e;
    assert_int_equal(parse(&gateway_role, GRANT, &e), 0);
    assert_int_equal(e.type, EVENT_ADDED);
    assert_int_equal(e.kind, KIND_GRANT);
    assert_string_equal(e.id, ID("lea"));
    const struct grant_state *g = e.item;
    assert_int_equal(g->n_classes, 2);
    assert_string_equal(g->classes[1], "c2");
    assert_true(event_until_ms(&gateway_role.kinds[KIND_GRANT], g, 500, e.at_ms) == 1503);
    assert_true(event_until_ms(&gateway_role.kinds[KIND_GRANT], g, INT64_MAX - 10, e.at_ms) == INT64_MAX);
    event_done(&e);
}

static void test_role_decides_kinds(void **state)
{
    struct event e;
    assert_int_equal(parse(&client_role, GRANT, &e), 0);
    assert_int_equal(e.type, EVENT_IGNORED);
    event_done(&e);
}

static void test_without_item(void **state)
{
    struct event e;
    assert_int_equal(
        parse(&gateway_role, "{\"type\":\"deleted\",\"kind\":\"class\",\"id\":\"x\",\"reason\":\"policy\"}", &e), 0);
    assert_int_equal(e.type, EVENT_DELETED);
    assert_string_equal(e.reason, "policy");
    event_done(&e);
    assert_int_equal(
        parse(&gateway_role, "{\"type\":\"bookmark\",\"at_ms\":1,\"revision\":\"e.9\",\"initial_end\":true}", &e), 0);
    assert_int_equal(e.type, EVENT_BOOKMARK);
    assert_true(e.initial_end);
    assert_string_equal(e.revision, "e.9");
    event_done(&e);
    assert_int_equal(parse(&gateway_role, "{\"type\":\"weather\",\"item\":7}", &e), 0);
    assert_int_equal(e.type, EVENT_IGNORED);
    event_done(&e);
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"type\":\"added\",\"kind\":\"grant\",\"id\":\"x\"}",
        "{\"type\":\"added\",\"kind\":\"grant\",\"id\":\"x\",\"item\":null}",
        "{\"type\":\"added\",\"kind\":\"grant\",\"id\":\"x\",\"item\":{}}",
        "{\"type\":\"added\",\"kind\":\"class\",\"item\":{\"id\":\"x\",\"boxes\":[]}}",
        "{\"type\":\"deleted\",\"kind\":\"class\"}",
        "{\"type\":\"renewal\"}",
        "{\"type\":\"bookmark\",\"at_ms\":-1}",
        "{\"type\":\"bookmark\",\"type\":\"bookmark\"}",
        "{\"type\":\"bookmark\"} trailing",
    };
    struct event e;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(parse(&gateway_role, bad[i], &e), -EBADMSG);
}

static void test_pending_connection_has_no_end(void **state)
{
    struct client_connection c = {0};
    assert_true(event_until_ms(&client_role.kinds[KIND_CLIENT_CONNECTION], &c, 5, 5) == INT64_MAX);
    c.valid_for_ms = 10;
    assert_true(event_until_ms(&client_role.kinds[KIND_CLIENT_CONNECTION], &c, 5, 5) == 20);
}

struct seen {
    struct buf text;
    int stop_at, n;
};

static int on_line(void *arg, const char *line, size_t len)
{
    struct seen *s = arg;
    buf_append(&s->text, line, len);
    buf_putc(&s->text, '|');
    return ++s->n == s->stop_at ? -EBADMSG : 0;
}

static void test_lines_cut_anywhere(void **state)
{
    static const char text[] = "one\n\ntwo\nthree and more\nrest";
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        struct lines l;
        struct seen s = {0};
        lines_init(&l, 64);
        assert_int_equal(lines_feed(&l, text, cut, on_line, &s), 0);
        assert_int_equal(lines_feed(&l, text + cut, sizeof(text) - 1 - cut, on_line, &s), 0);
        assert_string_equal(buf_str(&s.text), "one|two|three and more|");
        buf_done(&s.text);
        lines_done(&l);
    }
}

static void test_lines_bounded(void **state)
{
    struct lines l;
    struct seen s = {0};
    lines_init(&l, 4);
    assert_int_equal(lines_feed(&l, "1234\n", 5, on_line, &s), 0);
    assert_int_equal(lines_feed(&l, "12", 2, on_line, &s), 0);
    assert_int_equal(lines_feed(&l, "345", 3, on_line, &s), -EMSGSIZE);
    lines_reset(&l);
    assert_int_equal(lines_feed(&l, "12345\n", 6, on_line, &s), -EMSGSIZE);
    s.stop_at = s.n + 1;
    assert_int_equal(lines_feed(&l, "a\nb\n", 4, on_line, &s), -EBADMSG);
    assert_string_equal(buf_str(&s.text), "1234|a|");
    buf_done(&s.text);
    lines_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grant),
        cmocka_unit_test(test_role_decides_kinds),
        cmocka_unit_test(test_without_item),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pending_connection_has_no_end),
        cmocka_unit_test(test_lines_cut_anywhere),
        cmocka_unit_test(test_lines_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
