/* SPDX-License-Identifier: Apache-2.0 */
#include "server/front/sandbox.h"
#include "test.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each runs in a child inside the sandbox and returns its exit status: 0 = as it should be. */

static int serves(void)
{
    char byte;
    int pair[2], file = open("/proc/self/status", O_RDONLY);
    void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (file < 0 || read(file, &byte, 1) != 1 || p == MAP_FAILED)
        return 1;
    /* Core's socket, but not a pair: nothing makes one. */
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 || !socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static int refused(int r)
{
    return r >= 0 || errno != EPERM;
}

static int cannot_reach_the_network(void)
{
    return refused(socket(AF_INET, SOCK_STREAM, 0)) || refused(socket(AF_INET6, SOCK_DGRAM, 0)) ||
           refused(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int cannot_write_files(void)
{
    return refused(open("/dev/null", O_WRONLY)) || refused(open("/dev/null", O_RDWR)) ||
           refused(open("/nowhere", O_RDONLY | O_CREAT, 0600)) || refused(unlink("/nowhere"));
}

static int cannot_make_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *q = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED || q != MAP_FAILED || refused(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int cannot_signal_others(void)
{
    return refused(kill(getppid(), 0));
}

static int execs(void)
{
    char *argv[] = {NULL};
    execve("/bin/true", argv, argv);
    return 1;
}

static int traces(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL) + 1;
}

static int run(int (*what)(void))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(sandbox_enter() ? 99 : what());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void skip_if_off(void)
{
#ifdef POSTERN_SANITIZED
    print_message("the sandbox is off in sanitizer builds\n");
    skip();
#endif
}

static void test_what_is_refused(void **state)
{
    static int (*const all[])(void) = {serves, cannot_reach_the_network, cannot_write_files, cannot_make_code,
                                       cannot_signal_others};
    skip_if_off();
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_int_equal(run(all[i]), 0);
}

static void test_what_kills(void **state)
{
    static int (*const all[])(void) = {execs, traces};
    skip_if_off();
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        int status = run(all[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
