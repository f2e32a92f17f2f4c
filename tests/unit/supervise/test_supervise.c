/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"
#include "base/buf.h"
#include "base/str.h"
#include "server/supervise/child.h"
#include "server/supervise/listen.h"
#include "server/supervise/notify.h"
#include "server/supervise/paths.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- restarts --- */

static void test_pauses_grow_only_for_repeated_crashes(void **state)
{
    static const int64_t want[] = {0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
    for (unsigned i = 0; i < ARRAY_LEN(want); i++)
        assert_int_equal(child_pause_ms(i), want[i]);
    assert_int_equal(child_pause_ms(1000000), 5000);
}

static struct loop *loop;
static struct child child;
static int starts;

static int crash(void *arg)
{
    return 3;
}

static void on_start(struct child *c)
{
    if (++starts == 4)
        c->wanted = false; /* enough: let it end for good */
}

static void on_signal(int signo, void *arg)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (pid == child.pid)
            child_ended(&child, status);
    if (child_gone(&child))
        loop_stop(loop, 0);
}

static struct identity self(void)
{
    return (struct identity){.uid = geteuid(), .gid = getegid(), .also = getegid(), .name = "self"};
}

static void test_what_ends_is_started_again_until_nobody_wants_it(void **state)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    loop = loop_new();
    starts = 0;
    child =
        (struct child){.name = "crasher", .who = self(), .death_signal = SIGKILL, .run = crash, .on_start = on_start};
    assert_int_equal(loop_signals(loop, &set, on_signal, NULL), 0);
    child_start(&child, loop);
    assert_int_equal(loop_run(loop), 0);
    assert_int_equal(starts, 4);
    assert_int_equal(child.crashes, 4);
    loop_free(loop);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Exit code: 0 when exactly the given fd and the standard ones are open and signals are as in a fresh process. */
static int look_around(void *arg)
{
    char byte;
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int s = 1; s < NSIG; s++)
        if (sigismember(&mask, s) == 1)
            return 10;
    if (read(CHILD_FD_FIRST, &byte, 1) != 1 || byte != 'x')
        return 11;
    if (fcntl(CHILD_FD_FIRST + 1, F_GETFD) != -1)
        return 12;
    if (read(STDIN_FILENO, &byte, 1) != 0)
        return 13;
    return getpid() == getsid(0) ? 0 : 14;
}

static void test_a_child_gets_its_fds_and_nothing_else(void **state)
{
    int fds[2], status;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    const struct child once = {
        .name = "looker", .who = self(), .death_signal = SIGKILL, .run = look_around, .fds = {fds[0]}, .n_fds = 1};
    pid_t pid = child_fork(&once);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(fds[0]);
    close(fds[1]);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* --- listening --- */

static void test_addresses(void **state)
{
    static const char *const bad[] = {"",     "8443",        "localhost:1",     "::1:1",      "[::1:1",
                                      "[]:1", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:", "127.0.0.1 :1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (listen_open(bad[i]) != -EINVAL)
            fail_msg("accepted %s", bad[i]);
    static const char *const good[] = {"127.0.0.1:0", "[::]:0"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int fd = listen_open(good[i]);
        assert_true(fd >= 0);
        assert_true(listen_port(fd) > 0);
        close(fd);
    }
}

/* --- the manager --- */

static void test_notify_reaches_the_socket(void **state)
{
    char dir[] = "/tmp/postern-notify-XXXXXX", text[64] = "";
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(dir));
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/n", dir);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    setenv("NOTIFY_SOCKET", sa.sun_path, 1);
    notify_send("READY=1");
    assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), 7);
    assert_string_equal(text, "READY=1");
    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1"); /* nobody listens: nothing happens */
    close(fd);
    unlink(sa.sun_path);
    rmdir(dir);
}

static void test_watchdog_period(void **state)
{
    char pid[16];
    unsetenv("WATCHDOG_PID");
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(notify_watchdog_ms(), 0);
}

/* --- directories --- */

static struct identities one_user(void)
{
    return (struct identities){.core = self(), .front = self(), .db = self()};
}

static void test_directories(void **state)
{
    char top[] = "/tmp/postern-paths-XXXXXX", data[64], run[64], git[64];
    struct identities ids = one_user();
    struct paths paths;
    struct stat st;
    assert_non_null(mkdtemp(top));
    snprintf(data, sizeof(data), "%s/data", top);
    snprintf(run, sizeof(run), "%s/run", top);
    snprintf(git, sizeof(git), "%s/.git", top);
    struct settings s = {.data_dir = data, .run_dir = run};
    assert_int_equal(paths_prepare(&s, &ids, &paths), 0);
    assert_int_equal(paths_prepare(&s, &ids, &paths), 0); /* again: as at the next start */
    assert_int_equal(stat(paths.core, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    int lock = paths_lock(&paths);
    assert_true(lock >= 0);
    assert_int_equal(paths_lock(&paths), -EBUSY);
    close(lock);
    assert_int_equal(chmod(data, 0755), 0);
    assert_int_equal(paths_prepare(&s, &ids, &paths), -EPERM);
    assert_int_equal(chmod(data, 0700), 0);
    assert_int_equal(mkdir(git, 0700), 0);
    assert_int_equal(paths_prepare(&s, &ids, &paths), -EINVAL);
    rmdir(git);
    rmdir(paths.core);
    assert_int_equal(symlink("/tmp", paths.core), 0); /* somebody put a link in its place */
    assert_true(paths_prepare(&s, &ids, &paths) < 0);
    unlink(paths.core);
    s.data_dir = "relative";
    assert_int_equal(paths_prepare(&s, &ids, &paths), -EINVAL);
    const char *const left[] = {paths.front, paths.postgres, paths.pg_socket, paths.run, data, top};
    unlink(paths.lock);
    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        rmdir(left[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses_grow_only_for_repeated_crashes),
        cmocka_unit_test(test_what_ends_is_started_again_until_nobody_wants_it),
        cmocka_unit_test(test_a_child_gets_its_fds_and_nothing_else),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_notify_reaches_the_socket),
        cmocka_unit_test(test_watchdog_period),
        cmocka_unit_test(test_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
