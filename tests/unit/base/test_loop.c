/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"
#include "test.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

struct fixture {
    struct loop *loop;
    struct loop_fd a, b;
    struct loop_timer t1, t2;
    struct loop_task task;
    int order[8], n;
};

static struct fixture f;

static int set_up(void **state)
{
    f = (struct fixture){.loop = loop_new()};
    return 0;
}

static int tear_down(void **state)
{
    loop_free(f.loop);
    return 0;
}

static void on_second(struct loop_timer *t)
{
    f.order[f.n++] = 2;
    loop_stop(f.loop, 7);
}

static void on_first(struct loop_timer *t)
{
    f.order[f.n++] = 1;
}

static void test_timers_fire_in_order(void **state)
{
    f.t2.on_due = on_second;
    f.t1.on_due = on_first;
    loop_timer_start(f.loop, &f.t2, 20);
    loop_timer_start(f.loop, &f.t1, 50);
    loop_timer_start(f.loop, &f.t1, 5); /* rearmed earlier */
    assert_int_equal(loop_run(f.loop), 7);
    assert_int_equal(f.n, 2);
    assert_int_equal(f.order[0], 1);
    assert_int_equal(f.order[1], 2);
}

/* Whichever is called first removes the other, although both were ready in the same batch. */
static void on_ready(struct loop_fd *s, uint32_t events)
{
    f.n++;
    loop_fd_remove(s == &f.a ? &f.b : &f.a);
    loop_fd_remove(s);
    loop_timer_start(f.loop, &f.t2, 10);
}

static void test_removed_source_is_not_called(void **state)
{
    int p[2], q[2];
    assert_int_equal(pipe(p) | pipe(q), 0);
    assert_int_equal(write(p[1], "x", 1) + write(q[1], "x", 1), 2);
    f.t2.on_due = on_second;
    f.a = (struct loop_fd){.fd = p[0], .events = EPOLLIN, .on_ready = on_ready};
    f.b = (struct loop_fd){.fd = q[0], .events = EPOLLIN, .on_ready = on_ready};
    assert_int_equal(loop_fd_add(f.loop, &f.a), 0);
    assert_int_equal(loop_fd_add(f.loop, &f.b), 0);
    loop_run(f.loop);
    assert_int_equal(f.n, 2); /* one source, then the timer */
    for (int i = 0; i < 2; i++) {
        close(p[i]);
        close(q[i]);
    }
}

static void run_task(struct loop_task *t)
{
    loop_stop(f.loop, 3);
}

static void *poster(void *arg)
{
    loop_post(f.loop, &f.task);
    return NULL;
}

static void test_post_from_another_thread(void **state)
{
    pthread_t thread;
    f.task.run = run_task;
    assert_int_equal(pthread_create(&thread, NULL, poster, NULL), 0);
    assert_int_equal(loop_run(f.loop), 3);
    pthread_join(thread, NULL);
}

static void on_signal(int signo, void *arg)
{
    loop_stop(f.loop, signo);
}

static void test_signal(void **state)
{
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, NULL, &old);
    assert_int_equal(loop_signals(f.loop, &set, on_signal, NULL), 0);
    kill(getpid(), SIGUSR1);
    assert_int_equal(loop_run(f.loop), SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_timers_fire_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_removed_source_is_not_called, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_post_from_another_thread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signal, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
