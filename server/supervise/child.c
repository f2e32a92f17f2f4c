/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/supervise/child.h"
#include "base/clock.h"
#include "base/log.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEADY_MS = 5000, PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 5000 };

/* A single crash is repaired at once; only what dies again and again is slowed down. */
int64_t child_pause_ms(unsigned crashes)
{
    if (crashes <= 1)
        return 0;
    unsigned doublings = MIN(crashes - 2, 6u);
    return MIN((int64_t)PAUSE_FIRST_MS << doublings, (int64_t)PAUSE_MAX_MS);
}

/* The listed fds become CHILD_FD_FIRST and up, stdin is empty, everything else is closed. */
static int arrange_fds(const struct child *c)
{
    int copies[CHILD_FDS_MAX], null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0)
        return -errno;
    for (size_t i = 0; i < c->n_fds; i++)
        if ((copies[i] = fcntl(c->fds[i], F_DUPFD, CHILD_FD_FIRST + CHILD_FDS_MAX)) < 0)
            return -errno;
    for (size_t i = 0; i < c->n_fds; i++)
        if (dup2(copies[i], CHILD_FD_FIRST + (int)i) < 0)
            return -errno;
    return close_range(CHILD_FD_FIRST + (unsigned)c->n_fds, ~0u, 0) ? -errno : 0;
}

static void signals_default(void)
{
    sigset_t none;
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int enter(const struct child *c, pid_t supervisor)
{
    signals_default();
    if (c->on_fork)
        c->on_fork(c);
    setsid(); /* a terminal's ^C reaches the supervisor only, which drains in order */
    int r = arrange_fds(c);
    if (!r)
        r = identity_become(&c->who);
    /* After the change of user, which clears it. */
    if (!r && prctl(PR_SET_PDEATHSIG, c->death_signal, 0, 0, 0))
        r = -errno;
    if (!r && getppid() != supervisor)
        r = -ESRCH;
    if (!r && chdir("/"))
        r = -errno;
    umask(0077);
    return r;
}

pid_t child_fork(const struct child *c)
{
    pid_t supervisor = getpid(), pid = fork();
    if (pid < 0)
        return -errno;
    if (pid)
        return pid;
    int r = enter(c, supervisor);
    if (r) {
        log_error("%s: cannot be started as %s: %s", c->name, c->who.name, strerror(-r));
        _exit(126);
    }
    _exit(c->run(c->arg));
}

static void try_start(struct child *c)
{
    pid_t pid = child_fork(c);
    if (pid < 0) {
        log_error("%s: fork: %s", c->name, strerror(-pid));
        c->crashes++;
        c->state = CHILD_PAUSED;
        loop_timer_start(c->loop, &c->again, PAUSE_MAX_MS);
        return;
    }
    c->pid = pid;
    c->state = CHILD_RUNNING;
    c->started_ms = clock_boot_ms();
    log_info("%s started, pid %d", c->name, (int)pid);
    if (c->on_start)
        c->on_start(c);
}

static void on_again(struct loop_timer *t)
{
    try_start(container_of(t, struct child, again));
}

void child_start(struct child *c, struct loop *loop)
{
    c->loop = loop;
    c->wanted = true;
    c->again.on_due = on_again;
    try_start(c);
}

void child_kill(const struct child *c, int signo)
{
    if (c->state == CHILD_RUNNING && kill(c->pid, signo))
        log_warn("%s: signal %d: %s", c->name, signo, strerror(errno));
}

void child_stop(struct child *c, int signo)
{
    c->wanted = false;
    loop_timer_stop(&c->again);
    if (c->state == CHILD_RUNNING)
        child_kill(c, signo);
    else
        c->state = CHILD_STOPPED;
}

static void log_end(const struct child *c, int status)
{
    if (WIFSIGNALED(status))
        log_warn("%s, pid %d, ended by signal %d", c->name, (int)c->pid, WTERMSIG(status));
    else if (WEXITSTATUS(status) || c->wanted)
        log_warn("%s, pid %d, ended with %d", c->name, (int)c->pid, WEXITSTATUS(status));
    else
        log_info("%s ended", c->name);
}

void child_ended(struct child *c, int status)
{
    log_end(c, status);
    c->crashes = clock_boot_ms() - c->started_ms >= STEADY_MS ? 1 : c->crashes + 1;
    c->pid = 0;
    c->state = c->wanted ? CHILD_PAUSED : CHILD_STOPPED;
    if (c->on_exit)
        c->on_exit(c);
    if (c->state == CHILD_PAUSED)
        loop_timer_start(c->loop, &c->again, child_pause_ms(c->crashes));
}
