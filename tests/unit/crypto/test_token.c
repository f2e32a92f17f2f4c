/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"
#include "crypto/token.h"
#include "test.h"

static void test_token_shape(void **state)
{
    static const char *const kinds[] = {"pat", "svc", "gw", "dev", "x", "abcdefgh"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char t[TOKEN_LEN_MAX], u[TOKEN_LEN_MAX], kind[TOKEN_KIND_MAX + 1];
        token_make(kinds[i], t);
        token_make(kinds[i], u);
        assert_string_not_equal(t, u);
        assert_true(token_valid(t, kinds[i]));
        assert_false(token_valid(t, "other"));
        assert_true(token_kind(t, kind));
        assert_string_equal(kind, kinds[i]);
    }
}

static void test_token_typing_errors(void **state)
{
    char t[TOKEN_LEN_MAX + 1], kind[TOKEN_KIND_MAX + 1];
    uint8_t a[SHA256_LEN], b[SHA256_LEN];
    token_make("pat", t);
    token_hash(t, a);
    for (size_t i = 0; t[i]; i++) {
        char was = t[i];
        t[i] = was == 'q' ? 'r' : 'q';
        assert_false(token_kind(t, kind));
        token_hash(t, b);
        assert_memory_not_equal(a, b, sizeof(a));
        t[i] = '\0';
        assert_false(token_kind(t, kind));
        t[i] = was;
    }
    size_t n = strlen(t);
    t[n] = 'a';
    t[n + 1] = '\0';
    assert_false(token_kind(t, kind));
    assert_false(token_kind("", kind));
    assert_false(token_kind("pst_", kind));
    assert_false(token_kind("pst__", kind));
}

static void test_password(void **state)
{
    char hash[PASSWORD_HASH_LEN], again[PASSWORD_HASH_LEN], longest[PASSWORD_MAX + 2];
    assert_int_equal(password_hash("correct horse", hash), 0);
    assert_int_equal(password_hash("correct horse", again), 0);
    assert_string_not_equal(hash, again);
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=32768,t=3,p=1$", 31), 0);
    assert_true(password_verify(hash, "correct horse"));
    assert_false(password_verify(hash, "correct horsE"));
    assert_false(password_verify(hash, ""));
    assert_false(password_verify("not a hash", "correct horse"));
    memset(longest, 'x', sizeof(longest) - 1);
    longest[PASSWORD_MAX + 1] = '\0';
    assert_int_equal(password_hash(longest, hash), -EINVAL);
    assert_false(password_verify(hash, longest));
}

static void test_unknown_person_never_matches(void **state)
{
    assert_false(password_verify(NULL, ""));
    assert_false(password_verify(NULL, "correct horse"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_shape),
        cmocka_unit_test(test_token_typing_errors),
        cmocka_unit_test(test_password),
        cmocka_unit_test(test_unknown_person_never_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
