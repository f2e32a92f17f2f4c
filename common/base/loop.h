/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single-threaded event loop over epoll: file descriptors, timers on CLOCK_BOOTTIME, signals, and work posted
 * from other threads. Everything but loop_post() is called on the loop's own thread. Sources are embedded in their
 * owner; removing a source inside any callback is safe.
 */
#pragma once
#include "base/list.h"
#include <signal.h>

struct loop;

struct loop_fd {
    int fd;
    uint32_t events; /* EPOLLIN | EPOLLOUT */
    void (*on_ready)(struct loop_fd *source, uint32_t events);
    struct loop *loop; /* NULL while not added */
};

struct loop_timer {
    int64_t due_ms; /* clock_boot_ms() */
    void (*on_due)(struct loop_timer *timer);
    struct loop *loop;
    struct list link;
};

/* One piece of work from another thread; the poster owns the memory until `run` is called. */
struct loop_task {
    void (*run)(struct loop_task *task);
    struct loop_task *next;
};

struct loop *loop_new(void) MUSTCHECK;
void loop_free(struct loop *loop);

/* Runs until loop_stop(); returns the value given to it. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int result);

/* fd stays owned by the caller. Returns 0 or -errno. */
int loop_fd_add(struct loop *loop, struct loop_fd *source) MUSTCHECK;
int loop_fd_modify(struct loop_fd *source, uint32_t events) MUSTCHECK;
void loop_fd_remove(struct loop_fd *source); /* before close(fd) */

/* (Re)arms the timer to fire once, delay_ms from now. */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);

/* Blocks the signals in this thread (threads started later inherit that) and delivers them to on_signal. */
int loop_signals(struct loop *loop, const sigset_t *set, void (*on_signal)(int signo, void *arg), void *arg) MUSTCHECK;

/* From any thread: run the task on the loop's thread, in order of posting. */
void loop_post(struct loop *loop, struct loop_task *task);
