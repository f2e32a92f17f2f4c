/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "test.h"
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/postern-test-XXXXXX";

static int set_up(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    return rmdir(folder);
}

static void test_replace_is_whole_and_has_its_mode(void **state)
{
    char path[128], tmp[128];
    BUF_AUTO b = {0};
    struct stat st;
    snprintf(path, sizeof(path), "%s/secret", folder);
    snprintf(tmp, sizeof(tmp), "%s/secret.tmp", folder);
    /* A leftover of a crash, readable by all, must not lend its mode to the new content. */
    assert_int_equal(file_replace(tmp, "old", 3, 0644), 0);
    assert_int_equal(file_replace(path, "first", 5, 0600), 0);
    assert_int_equal(file_replace(path, "second!", 7, 0600), 0);
    assert_int_equal(file_read(path, 100, &b), 0);
    assert_string_equal(buf_str(&b), "second!");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(access(tmp, F_OK), -1);
    assert_int_equal(file_read(path, 6, &b), -EFBIG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(file_read(path, 100, &b), -ENOENT);
}

static void test_make_folders(void **state)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "%s/a/b", folder);
    assert_int_equal(dir_make(path, 0700), 0);
    assert_int_equal(dir_make(path, 0700), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(rmdir(path), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace_is_whole_and_has_its_mode),
        cmocka_unit_test(test_make_folders),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
