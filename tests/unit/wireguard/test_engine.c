/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"
#include "wireguard/engine.h"
#include "wireguard/wire.h"
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* An engine that says one thing to every question. */
struct fake {
    char dir[64], path[96];
    int listener;
    const char *answer;  /* NULL: says nothing */
    char question[4096]; /* of the last exchange */
    pthread_t thread;
};

static void *serve(void *arg)
{
    struct fake *f = arg;
    for (;;) {
        int fd = accept(f->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        ssize_t n = recv(fd, f->question, sizeof(f->question) - 1, 0);
        f->question[n > 0 ? n : 0] = '\0';
        if (n > 0 && f->answer)
            send(fd, f->answer, strlen(f->answer), MSG_NOSIGNAL);
        if (n > 0 && !f->answer)
            poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 5000); /* until the other side gives up */
        close(fd);
    }
}

static void fake_start(struct fake *f, const char *answer)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    *f = (struct fake){.dir = "/tmp/postern-engine-XXXXXX", .answer = answer};
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/wg0.sock", f->dir);
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", f->path);
    f->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(f->listener, 4), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void fake_stop(struct fake *f)
{
    shutdown(f->listener, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->listener);
    unlink(f->path);
    rmdir(f->dir);
}

static struct engine *attach(struct fake *f, int timeout_ms)
{
    struct engine_options o = {.interface = "wg0", .dir = f->dir, .timeout_ms = timeout_ms};
    struct engine *e;
    bool attached;
    assert_int_equal(engine_start(&o, &e, &attached), 0);
    assert_true(attached);
    assert_true(engine_death_fd(e) >= 0);
    assert_string_equal(engine_interface(e), "wg0");
    return e;
}

static void test_attaches_and_asks(void **state)
{
    struct fake f;
    struct wg_device d = {0};
    fake_start(&f, "listen_port=7\nerrno=0\n\n");
    struct engine *e = attach(&f, 2000);
    assert_int_equal(engine_get(e, &d), 0);
    assert_string_equal(f.question, "get=1\n\n");
    assert_int_equal(d.listen_port, 7);
    wg_device_done(&d);
    engine_free(e);
    fake_stop(&f);
}

static void test_applies_only_differences(void **state)
{
    struct fake f;
    struct wg_device desired = {.listen_port = 7};
    bool changed = true;
    fake_start(&f, "listen_port=7\nerrno=0\n\n");
    struct engine *e = attach(&f, 2000);
    assert_int_equal(engine_apply(e, &desired, &changed), 0);
    assert_false(changed);
    desired.listen_port = 8;
    assert_int_equal(engine_apply(e, &desired, &changed), 0);
    assert_true(changed);
    assert_string_equal(f.question, "set=1\nlisten_port=8\n\n");
    engine_free(e);
    fake_stop(&f);
}

static void test_gives_up_on_a_silent_engine(void **state)
{
    struct fake f;
    struct wg_device d = {0};
    fake_start(&f, NULL);
    struct engine *e = attach(&f, 50);
    assert_int_equal(engine_get(e, &d), -ETIMEDOUT);
    engine_free(e);
    fake_stop(&f);
}

static void test_answers_that_are_no_answers(void **state)
{
    static const struct {
        const char *answer;
        int result;
    } cases[] = {{"errno=22\n\n", -EINVAL}, {"nonsense\n\n", -EBADMSG}, {"errno=0\n", -ECONNRESET}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake f;
        struct wg_device d = {0};
        fake_start(&f, cases[i].answer);
        struct engine *e = attach(&f, 2000);
        assert_int_equal(engine_get(e, &d), cases[i].result);
        engine_free(e);
        fake_stop(&f);
    }
}

static void test_an_answer_is_bounded(void **state)
{
    struct fake f;
    BUF_AUTO question = {0};
    BUF_AUTO answer = {0};
    BUF_AUTO much = {0};
    for (int i = 0; i < 20000; i++)
        buf_puts(&much, "listen_port=1\n");
    fake_start(&f, buf_str(&much));
    buf_puts(&question, "get=1\n\n");
    assert_int_equal(wire_exchange(f.path, &question, 2000, 65536, &answer), -EMSGSIZE);
    fake_stop(&f);
}

static void test_an_engine_that_is_gone(void **state)
{
    struct fake f;
    struct wg_device d = {0};
    fake_start(&f, "errno=0\n\n");
    struct engine *e = attach(&f, 2000);
    fake_stop(&f);
    assert_int_equal(engine_get(e, &d), -ENOTCONN);
    engine_free(e);
}

static void test_programs_that_do_not_start(void **state)
{
    char dir[] = "/tmp/postern-engine-XXXXXX";
    struct engine *e = NULL;
    bool attached;
    assert_non_null(mkdtemp(dir));
    struct engine_options o = {.interface = "wg0", .dir = dir, .program = "/nonexistent/engine", .timeout_ms = 3000};
    assert_int_equal(engine_start(&o, &e, &attached), -ENOENT);
    o.program = "false";
    assert_int_equal(engine_start(&o, &e, &attached), -ECHILD);
    static const char *const names[] = {"", "-f", "a/b", "abcdefghijklmnop", "a b", ".."};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        o.interface = names[i];
        assert_int_equal(engine_start(&o, &e, &attached), -EINVAL);
    }
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attaches_and_asks),           cmocka_unit_test(test_applies_only_differences),
        cmocka_unit_test(test_gives_up_on_a_silent_engine), cmocka_unit_test(test_answers_that_are_no_answers),
        cmocka_unit_test(test_an_answer_is_bounded),        cmocka_unit_test(test_an_engine_that_is_gone),
        cmocka_unit_test(test_programs_that_do_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
