/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"
#include "test.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child(void)
{
    struct rlimit limit;
    if (secret_no_dumps() || getrlimit(RLIMIT_CORE, &limit) || limit.rlim_cur || limit.rlim_max)
        return 1;
#ifndef POSTERN_SANITIZED
    if (prctl(PR_GET_DUMPABLE) != 0)
        return 2;
#endif
    return 0;
}

static void a_process_with_keys_leaves_no_dump(void **state)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(in_child());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_process_with_keys_leaves_no_dump)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
