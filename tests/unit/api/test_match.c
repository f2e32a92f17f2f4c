/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/match.h"
#include "server/identity/identity.h"
#include "test.h"

static int never(struct request *req, struct response *res)
{
    abort();
}

static const struct route people_rows[] = {
    ROUTE("GET", "/api/v1/sites", ALLOW_AUDITOR, never, NULL, NULL, "List"),
    ROUTE("GET", "/api/v1/sites/{id}", ALLOW_AUDITOR, never, NULL, NULL, "Read"),
    ROUTE("PATCH", "/api/v1/sites/{id}", ALLOW_ADMIN, never, NULL, NULL, "Change"),
    ROUTE("POST", "/api/v1/devices/{id}/block", ALLOW_ADMIN, never, NULL, NULL, "Block"),
};
static const struct route agent_rows[] = {
    ROUTE("GET", "/agent/v1/state", ALLOW_GATEWAY | ALLOW_DEVICE, never, NULL, NULL, "State"),
    ROUTE("POST", "/agent/v1/enroll", ALLOW_ANYONE, never, NULL, NULL, "Enrol"),
};
static const struct route_table tables[] = {{people_rows, ARRAY_LEN(people_rows)}, {agent_rows, ARRAY_LEN(agent_rows)}};

struct found {
    enum match result;
    const struct route *route;
    char arg[64], allow[64];
};

static struct found find(const char *method, const char *path, enum listener listener)
{
    struct found f = {0};
    struct arena a;
    BUF_AUTO allow = {0};
    arena_init(&a, 4096);
    struct request req = {.arena = &a, .method = method, .path = path, .listener = listener};
    f.result = match_route(tables, ARRAY_LEN(tables), &req, &f.route, &allow);
    if (req.args[0])
        snprintf(f.arg, sizeof(f.arg), "%s", req.args[0]);
    snprintf(f.allow, sizeof(f.allow), "%s", buf_str(&allow));
    arena_done(&a);
    return f;
}

static void test_rows(void **state)
{
    assert_ptr_equal(find("GET", "/api/v1/sites", LISTENER_PEOPLE).route, &people_rows[0]);
    struct found f = find("PATCH", "/api/v1/sites/sit%5F1", LISTENER_PEOPLE);
    assert_ptr_equal(f.route, &people_rows[2]);
    assert_string_equal(f.arg, "sit_1");
    assert_ptr_equal(find("POST", "/api/v1/devices/x/block", LISTENER_PEOPLE).route, &people_rows[3]);
}

static void test_no_row(void **state)
{
    static const char *const unknown[] = {"/",
                                          "",
                                          "/api/v1/sites/",
                                          "/api/v1/sites//",
                                          "/api/v1/sites/a/b",
                                          "/api/v1/Sites",
                                          "/api/v1/sitesx",
                                          "//api/v1/sites",
                                          "/api/v1/sites/%00",
                                          "/api/v1/sites/%2",
                                          "/api/v1/devices/x/block/"};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        assert_int_equal(find("GET", unknown[i], LISTENER_PEOPLE).result, MATCH_NONE);
}

static void test_other_method(void **state)
{
    struct found f = find("DELETE", "/api/v1/sites/x", LISTENER_PEOPLE);
    assert_int_equal(f.result, MATCH_PATH);
    assert_string_equal(f.allow, "GET, PATCH");
}

static void test_listeners_are_apart(void **state)
{
    assert_int_equal(find("GET", "/api/v1/sites", LISTENER_AGENTS).result, MATCH_NONE);
    assert_int_equal(find("GET", "/agent/v1/state", LISTENER_PEOPLE).result, MATCH_NONE);
    assert_int_equal(find("GET", "/agent/v1/state", LISTENER_AGENTS).result, MATCH_FOUND);
    assert_int_equal(find("POST", "/agent/v1/enroll", LISTENER_PEOPLE).result, MATCH_FOUND);
    assert_int_equal(find("POST", "/agent/v1/enroll", LISTENER_AGENTS).result, MATCH_NONE);
}

static void test_scopes(void **state)
{
    const char *narrow[] = {"sites:write", "groups:read"}, *wide[] = {"*:read"};
    const struct identity_scopes none = {0}, two = {narrow, 2}, all = {wide, 1};
    assert_true(identity_scopes_cover(&none, "sites", true));
    assert_true(identity_scopes_cover(&two, "sites", true));
    assert_false(identity_scopes_cover(&two, "sites", false));
    assert_true(identity_scopes_cover(&two, "groups", false));
    assert_false(identity_scopes_cover(&two, "site", true));
    assert_false(identity_scopes_cover(&two, "sitesx", true));
    assert_true(identity_scopes_cover(&all, "anything", false));
    assert_false(identity_scopes_cover(&all, "anything", true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_no_row),
        cmocka_unit_test(test_other_method), cmocka_unit_test(test_listeners_are_apart),
        cmocka_unit_test(test_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
