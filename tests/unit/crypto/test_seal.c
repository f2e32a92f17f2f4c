/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "crypto/seal.h"
#include "test.h"
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static const char *path(const char *name)
{
    static char out[128];
    snprintf(out, sizeof(out), "%s/%s", dir, name);
    return out;
}

static int setup(void **state)
{
    snprintf(dir, sizeof(dir), "/tmp/postern-seal-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    static const char *const names[] = {"seal.key", "a", "b"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(path(names[i]));
    return rmdir(dir);
}

static unsigned mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(path(name), &st), 0);
    return st.st_mode & 07777;
}

static void test_round_trip(void **state)
{
    struct seal s;
    SECRET_AUTO out = {0};
    assert_int_equal(seal_open(&s, dir), 0);
    assert_int_equal(seal_write(&s, "a", "hush", 4), 0);
    seal_close(&s);
    assert_int_equal(mode_of("a"), 0600);
    assert_int_equal(mode_of("seal.key"), 0600);
    assert_int_equal(seal_open(&s, dir), 0);
    assert_int_equal(seal_read(&s, "a", 4, &out), 0);
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.p, "hush", 4);
    secret_done(&out);
    assert_int_equal(seal_read(&s, "a", 3, &out), -EFBIG);
    assert_int_equal(seal_read(&s, "none", 100, &out), -ENOENT);
    assert_int_equal(seal_read(&s, "../a", 100, &out), -EINVAL);
    BUF_AUTO raw = {0};
    assert_int_equal(file_read(path("a"), 4096, &raw), 0);
    assert_null(memmem(raw.data, raw.len, "hush", 4));
    seal_close(&s);
}

static void test_altered_swapped_truncated(void **state)
{
    struct seal s;
    SECRET_AUTO out = {0};
    BUF_AUTO raw = {0};
    assert_int_equal(seal_open(&s, dir), 0);
    assert_int_equal(seal_write(&s, "a", "hush", 4), 0);
    assert_int_equal(file_read(path("a"), 4096, &raw), 0);
    for (size_t i = 0; i < raw.len; i++) {
        raw.data[i] ^= 1;
        assert_int_equal(file_replace(path("b"), raw.data, raw.len, 0600), 0);
        assert_int_equal(seal_read(&s, "b", 100, &out), -EBADMSG);
        raw.data[i] ^= 1;
        assert_int_equal(file_replace(path("b"), raw.data, i, 0600), 0);
        assert_int_equal(seal_read(&s, "b", 100, &out), -EBADMSG);
    }
    assert_int_equal(rename(path("a"), path("b")), 0);
    assert_int_equal(seal_read(&s, "b", 100, &out), -EBADMSG);
    seal_close(&s);
}

static void test_another_key(void **state)
{
    struct seal s;
    SECRET_AUTO out = {0};
    assert_int_equal(seal_open(&s, dir), 0);
    assert_int_equal(seal_write(&s, "a", "hush", 4), 0);
    seal_close(&s);
    assert_int_equal(unlink(path("seal.key")), 0);
    assert_int_equal(seal_open(&s, dir), 0);
    assert_int_equal(seal_read(&s, "a", 100, &out), -EBADMSG);
    seal_close(&s);
}

static void test_readable_key_refused(void **state)
{
    struct seal s;
    assert_int_equal(seal_open(&s, dir), 0);
    seal_close(&s);
    assert_int_equal(chmod(path("seal.key"), 0640), 0);
    assert_int_equal(seal_open(&s, dir), -EPERM);
    assert_int_equal(chmod(path("seal.key"), 0600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_altered_swapped_truncated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_readable_key_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
