/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"
#include "base/clock.h"
#include "base/str.h"
#include <limits.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BATCH = 64 };

struct loop {
    int epoll_fd;
    bool stopped;
    int result;
    struct list timers; /* sorted by due_ms */
    /* The batch being dispatched, so that a source removed by an earlier callback is not called. */
    struct epoll_event batch[BATCH];
    int n_batch, at;
    struct loop_fd wake, signals;
    void (*on_signal)(int signo, void *arg);
    void *signal_arg;
    pthread_mutex_t lock;
    struct loop_task *first, **last;
};

static void on_wake(struct loop_fd *source, uint32_t events)
{
    struct loop *loop = container_of(source, struct loop, wake);
    uint64_t n;
    if (read(source->fd, &n, sizeof(n)) < 0)
        return;
    pthread_mutex_lock(&loop->lock);
    struct loop_task *task = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    pthread_mutex_unlock(&loop->lock);
    while (task) {
        struct loop_task *next = task->next;
        task->run(task);
        task = next;
    }
}

struct loop *loop_new(void)
{
    struct loop *loop = xalloc(sizeof(*loop));
    list_init(&loop->timers);
    loop->last = &loop->first;
    loop->signals.fd = -1;
    pthread_mutex_init(&loop->lock, NULL);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = (struct loop_fd){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .events = EPOLLIN, .on_ready = on_wake};
    if (loop->epoll_fd < 0 || loop->wake.fd < 0 || loop_fd_add(loop, &loop->wake))
        abort();
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    list_for_each_safe (it, &loop->timers)
        loop_timer_stop(container_of(it, struct loop_timer, link));
    if (loop->signals.fd >= 0)
        close(loop->signals.fd);
    close(loop->wake.fd);
    close(loop->epoll_fd);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

static void run_timers(struct loop *loop)
{
    int64_t now = clock_boot_ms();
    while (!list_empty(&loop->timers)) {
        struct loop_timer *t = container_of(loop->timers.next, struct loop_timer, link);
        if (t->due_ms > now)
            return;
        loop_timer_stop(t);
        t->on_due(t);
    }
}

static int wait_ms(const struct loop *loop)
{
    if (list_empty(&loop->timers))
        return -1;
    int64_t left = container_of(loop->timers.next, struct loop_timer, link)->due_ms - clock_boot_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int loop_run(struct loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped) {
        loop->n_batch = epoll_wait(loop->epoll_fd, loop->batch, BATCH, wait_ms(loop));
        if (loop->n_batch < 0 && errno != EINTR)
            abort();
        for (loop->at = 0; loop->at < loop->n_batch && !loop->stopped; loop->at++) {
            struct loop_fd *source = loop->batch[loop->at].data.ptr;
            if (source)
                source->on_ready(source, loop->batch[loop->at].events);
        }
        loop->n_batch = 0;
        if (!loop->stopped)
            run_timers(loop);
    }
    return loop->result;
}

void loop_stop(struct loop *loop, int result)
{
    loop->stopped = true;
    loop->result = result;
}

int loop_fd_add(struct loop *loop, struct loop_fd *source)
{
    struct epoll_event ev = {.events = source->events, .data.ptr = source};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &ev))
        return -errno;
    source->loop = loop;
    return 0;
}

int loop_fd_modify(struct loop_fd *source, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = source};
    if (source->events == events)
        return 0;
    if (epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &ev))
        return -errno;
    source->events = events;
    return 0;
}

void loop_fd_remove(struct loop_fd *source)
{
    struct loop *loop = source->loop;
    if (!loop)
        return;
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    source->loop = NULL;
    for (int i = loop->at + 1; i < loop->n_batch; i++)
        if (loop->batch[i].data.ptr == source)
            loop->batch[i].data.ptr = NULL;
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t delay_ms)
{
    loop_timer_stop(timer);
    timer->due_ms = clock_boot_ms() + delay_ms;
    timer->loop = loop;
    /* From the back: most timers are armed for later than those that wait. */
    struct list *at = loop->timers.prev;
    while (at != &loop->timers && container_of(at, struct loop_timer, link)->due_ms > timer->due_ms)
        at = at->prev;
    list_append(at->next, &timer->link);
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (!timer->loop)
        return;
    list_remove(&timer->link);
    timer->loop = NULL;
}

static void on_signal_fd(struct loop_fd *source, uint32_t events)
{
    struct loop *loop = container_of(source, struct loop, signals);
    struct signalfd_siginfo info;
    while (read(source->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        loop->on_signal((int)info.ssi_signo, loop->signal_arg);
}

int loop_signals(struct loop *loop, const sigset_t *set, void (*on_signal)(int signo, void *arg), void *arg)
{
    int r = pthread_sigmask(SIG_BLOCK, set, NULL);
    if (r)
        return -r;
    int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    loop->on_signal = on_signal;
    loop->signal_arg = arg;
    loop->signals = (struct loop_fd){.fd = fd, .events = EPOLLIN, .on_ready = on_signal_fd};
    return loop_fd_add(loop, &loop->signals);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    uint64_t one = 1;
    task->next = NULL;
    pthread_mutex_lock(&loop->lock);
    *loop->last = task;
    loop->last = &task->next;
    pthread_mutex_unlock(&loop->lock);
    if (write(loop->wake.fd, &one, sizeof(one)) < 0) {
        /* EAGAIN: the counter is full, so a wake-up is pending anyway */
    }
}
