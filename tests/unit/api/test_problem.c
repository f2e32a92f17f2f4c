/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api/problem.h"
#include "test.h"

struct asked {
    struct arena arena;
    struct request req;
    struct response res;
};

static struct asked *ask(void)
{
    struct asked *a = calloc(1, sizeof(*a));
    assert_non_null(a);
    arena_init(&a->arena, 1 << 16);
    a->req.arena = &a->arena;
    a->req.id = "req_1";
    return a;
}

/* Decodes the answer, which must be a problem with nothing beyond the record. */
static struct problem answered(struct asked *a)
{
    struct problem p;
    struct rec_errors errors = {0};
    assert_non_null(strstr(buf_str(&a->res.headers), "content-type: application/problem+json\n"));
    assert_int_equal(rec_decode(&problem_rec, REC_STRICT, a->res.body.data, a->res.body.len, &a->arena, &p, &errors),
                     0);
    assert_int_equal(p.status, a->res.status);
    assert_string_equal(p.instance, "req_1");
    return p;
}

static void done(struct asked *a)
{
    buf_done(&a->res.headers);
    buf_done(&a->res.body);
    arena_done(&a->arena);
    free(a);
}

static void test_every_kind(void **state)
{
    for (int kind = 0; kind < PROBLEM_KINDS; kind++) {
        struct asked *a = ask();
        assert_int_equal(problem(&a->req, &a->res, (enum problem_kind)kind, "a \"detail\""), PROBLEM);
        struct problem p = answered(a);
        assert_string_equal(p.code, problem_code((enum problem_kind)kind));
        assert_string_equal(p.detail, "a \"detail\"");
        assert_non_null(strstr(p.type, p.code));
        assert_true(p.status >= 400 && p.status < 600);
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(p.code, problem_code((enum problem_kind)other));
        done(a);
    }
}

static void test_fields(void **state)
{
    struct asked *a = ask();
    struct rec_errors errors = {0};
    rec_error_add(&errors, "/name", "must be %s", "short");
    rec_error_add(&errors, "/ports/0", "is wrong");
    problem_fields(&a->req, &a->res, &errors);
    struct problem p = answered(a);
    assert_int_equal(p.status, 422);
    assert_string_equal(p.detail, "/name: must be short");
    assert_int_equal(p.n_errors, 2);
    assert_string_equal(p.errors[1].pointer, "/ports/0");
    done(a);
    a = ask();
    errors = (struct rec_errors){.malformed = true};
    problem_fields(&a->req, &a->res, &errors);
    assert_string_equal(answered(a).code, "malformed_json");
    done(a);
}

static void test_stale_shows_the_object(void **state)
{
    struct asked *a = ask();
    const struct site site = {.id = "sit_01JD2Q8W6Z6T3V9XK4M5N7P8QR", .name = "berlin", .revision = 7};
    problem_stale(&a->req, &a->res, &site_rec, &site);
    struct problem p = answered(a);
    assert_int_equal(p.status, 412);
    assert_non_null(strstr(p.current, "\"name\":\"berlin\""));
    done(a);
}

/* A later problem takes the place of what was answered so far. */
static void test_last_word(void **state)
{
    struct asked *a = ask();
    buf_puts(&a->res.body, "{\"half\":");
    problem_database(&a->req, &a->res, -ENOTCONN);
    assert_int_equal(answered(a).status, 503);
    assert_non_null(strstr(buf_str(&a->res.headers), "retry-after: "));
    done(a);
    a = ask();
    problem_database(&a->req, &a->res, -EIO);
    assert_string_equal(answered(a).code, "internal");
    done(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_stale_shows_the_object),
        cmocka_unit_test(test_last_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
