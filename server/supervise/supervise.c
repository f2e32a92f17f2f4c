/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/supervise/supervise.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "server/settings/status.h"
#include "server/supervise/cgroup.h"
#include "server/supervise/child.h"
#include "server/supervise/listen.h"
#include "server/supervise/notify.h"
#include "server/supervise/postgres.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Together at most the 5 s that a drain may take. */
enum { DRAIN_FRONT_MS = 3000, DRAIN_CORE_MS = 800, DRAIN_DB_MS = 1000 };
#define FRONT_MEMORY_MAX (UINT64_C(512) << 20)

/* In the order in which they are drained. */
enum { FRONT_PEOPLE, FRONT_AGENTS, CORE, DATABASE, N_CHILDREN };
enum stage { SERVING, DRAINING_FRONTS, DRAINING_CORE, DRAINING_DATABASE };

struct supervisor {
    const struct settings *settings;
    struct loop *loop;
    struct identities ids;
    struct paths paths;
    struct postgres postgres;
    struct child children[N_CHILDREN];
    struct cgroup front_group;
    enum stage stage;
    struct loop_timer deadline, watchdog, silence;
    int64_t watchdog_ms;
    struct loop_fd status;
    bool ready;   /* core has served once */
    bool doubted; /* no sign of life for long */
};

/* --- what runs in the children --- */

struct verb_child {
    const char *verb;
    bool database; /* may know how to reach it */
};

static int run_verb(void *arg)
{
    const struct verb_child *v = arg;
    const char *argv[] = {"posternd", v->verb, NULL};
    if (!v->database)
        unsetenv("POSTERN_DATABASE_URL"); /* may hold a password */
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    /* The very file that we run, even when an upgrade is replacing it. */
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    log_error("exec: %s", strerror(errno));
    return 127;
}

static struct verb_child verbs[] = {
    [FRONT_PEOPLE] = {.verb = VERB_FRONT_PEOPLE},
    [FRONT_AGENTS] = {.verb = VERB_FRONT_AGENTS},
    [CORE] = {.verb = VERB_CORE, .database = true},
};

/* --- signs of life from core --- */

static void on_silence(struct loop_timer *t)
{
    struct supervisor *s = container_of(t, struct supervisor, silence);
    if (!s->doubted) { /* the machine may just have slept: core gets the time to say so */
        s->doubted = true;
        loop_timer_start(s->loop, &s->silence, 5 * STATUS_EVERY_MS);
        return;
    }
    log_error("core has not been heard for %d s", STATUS_SILENT_MS / 1000);
    child_kill(&s->children[CORE], SIGKILL);
}

static void on_status(struct loop_fd *source, uint32_t events)
{
    struct supervisor *s = container_of(source, struct supervisor, status);
    char text[64];
    ssize_t n = read(source->fd, text, sizeof(text));
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            loop_fd_remove(source); /* core ended; on_core_exit() closes */
        return;
    }
    s->doubted = false;
    loop_timer_start(s->loop, &s->silence, STATUS_SILENT_MS);
    if (!s->ready && memchr(text, STATUS_READY, (size_t)n)) {
        s->ready = true;
        log_info("ready");
        notify_send("READY=1");
    }
}

static int status_open(struct supervisor *s)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
        return -errno;
    s->status = (struct loop_fd){.fd = fds[0], .events = EPOLLIN, .on_ready = on_status};
    s->children[CORE].fds[0] = fds[1];
    return loop_fd_add(s->loop, &s->status);
}

static void on_core_start(struct child *c)
{
    struct supervisor *s = c->owner;
    close(c->fds[0]);
    c->fds[0] = -1;
    loop_timer_start(s->loop, &s->silence, STATUS_SILENT_MS);
}

static void on_core_exit(struct child *c)
{
    struct supervisor *s = c->owner;
    loop_timer_stop(&s->silence);
    loop_fd_remove(&s->status);
    close(s->status.fd);
    if (c->wanted && status_open(s))
        log_error("no pipe for core: %s", strerror(errno));
}

/* --- draining --- */

static bool fronts_gone(const struct supervisor *s)
{
    return child_gone(&s->children[FRONT_PEOPLE]) && child_gone(&s->children[FRONT_AGENTS]);
}

static void drain_next(struct supervisor *s)
{
    if (s->stage == DRAINING_FRONTS && fronts_gone(s)) {
        s->stage = DRAINING_CORE;
        child_stop(&s->children[CORE], SIGTERM);
        loop_timer_start(s->loop, &s->deadline, DRAIN_CORE_MS);
    }
    if (s->stage == DRAINING_CORE && child_gone(&s->children[CORE])) {
        s->stage = DRAINING_DATABASE;
        child_stop(&s->children[DATABASE], SIGINT); /* fast shutdown */
        loop_timer_start(s->loop, &s->deadline, DRAIN_DB_MS);
    }
    if (s->stage == DRAINING_DATABASE && child_gone(&s->children[DATABASE])) {
        loop_timer_stop(&s->deadline);
        loop_stop(s->loop, 0);
    }
}

/* The stage took too long. PostgreSQL's SIGQUIT loses nothing either: the next start recovers. */
static void on_deadline(struct loop_timer *t)
{
    struct supervisor *s = container_of(t, struct supervisor, deadline);
    log_warn("draining takes too long, stage %d", (int)s->stage);
    switch (s->stage) {
    case SERVING:
        return;
    case DRAINING_FRONTS:
        child_kill(&s->children[FRONT_PEOPLE], SIGKILL);
        child_kill(&s->children[FRONT_AGENTS], SIGKILL);
        return;
    case DRAINING_CORE:
        child_kill(&s->children[CORE], SIGKILL);
        return;
    case DRAINING_DATABASE:
        child_kill(&s->children[DATABASE], SIGQUIT);
        return;
    }
}

static void drain(struct supervisor *s)
{
    if (s->stage != SERVING) { /* asked twice: no more patience */
        for (size_t i = 0; i < DATABASE; i++)
            child_stop(&s->children[i], SIGKILL);
        child_stop(&s->children[DATABASE], SIGQUIT);
        return;
    }
    log_info("draining");
    notify_send("STOPPING=1");
    s->stage = DRAINING_FRONTS;
    loop_timer_start(s->loop, &s->deadline, DRAIN_FRONT_MS);
    child_stop(&s->children[FRONT_PEOPLE], SIGTERM);
    child_stop(&s->children[FRONT_AGENTS], SIGTERM);
    drain_next(s);
}

/* --- signals --- */

static void reap(struct supervisor *s)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (size_t i = 0; i < N_CHILDREN; i++)
            if (s->children[i].pid == pid && s->children[i].state == CHILD_RUNNING)
                child_ended(&s->children[i], status);
    drain_next(s);
}

static void on_signal(int signo, void *arg)
{
    struct supervisor *s = arg;
    switch (signo) {
    case SIGCHLD:
        reap(s);
        break;
    case SIGHUP:
        for (size_t i = 0; i < N_CHILDREN; i++)
            child_kill(&s->children[i], SIGHUP);
        break;
    default:
        drain(s);
        break;
    }
}

static int signals_take(struct supervisor *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    return loop_signals(s->loop, &set, on_signal, s);
}

static void on_watchdog(struct loop_timer *t)
{
    struct supervisor *s = container_of(t, struct supervisor, watchdog);
    notify_send("WATCHDOG=1");
    loop_timer_start(s->loop, &s->watchdog, s->watchdog_ms);
}

/* --- setting up --- */

/* Before it reads a byte of strangers. */
static void on_front_fork(const struct child *c)
{
    struct supervisor *s = c->owner;
    cgroup_join(&s->front_group);
}

/* Keys and certificates exist before anybody needs them; core's user makes them. */
static int keys_make(const struct supervisor *s)
{
    static struct verb_child keys = {.verb = VERB_KEYS};
    const struct child once = {
        .name = "keys", .who = s->ids.core, .death_signal = SIGKILL, .run = run_verb, .arg = &keys};
    int status;
    pid_t pid = child_fork(&once);
    if (pid < 0)
        return pid;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status ? -EIO : 0;
}

static void children_describe(struct supervisor *s, int people_fd, int agents_fd)
{
    const int listen_fds[] = {[FRONT_PEOPLE] = people_fd, [FRONT_AGENTS] = agents_fd};
    static const char *const names[] = {"front people", "front agents", "core", "postgres"};
    for (size_t i = 0; i < N_CHILDREN; i++)
        s->children[i] = (struct child){
            .name = names[i],
            .who = s->ids.front,
            .death_signal = SIGKILL,
            .run = run_verb,
            .arg = i < DATABASE ? &verbs[i] : NULL,
            .owner = s,
            .n_fds = 1,
            .on_fork = on_front_fork,
        };
    s->children[FRONT_PEOPLE].fds[0] = listen_fds[FRONT_PEOPLE];
    s->children[FRONT_AGENTS].fds[0] = listen_fds[FRONT_AGENTS];
    struct child *core = &s->children[CORE], *db = &s->children[DATABASE];
    core->who = s->ids.core;
    core->on_fork = NULL;
    core->on_start = on_core_start;
    core->on_exit = on_core_exit;
    s->postgres = (struct postgres){.dir = s->paths.postgres,
                                    .socket_dir = s->paths.pg_socket,
                                    .client = s->ids.core.name,
                                    .client_group = s->ids.core.gid};
    db->who = s->ids.db;
    db->death_signal = SIGINT;
    db->run = postgres_run;
    db->arg = &s->postgres;
    db->n_fds = 0;
    db->on_fork = NULL;
}

#ifndef POSTERN_SANITIZED
/* The same name at each start, so that a killed one leaves nothing new behind, and another one for each data folder. */
static void front_group_make(struct supervisor *s)
{
    struct stat st;
    char name[64];
    if (stat(s->settings->data_dir, &st))
        return;
    snprintf(name, sizeof(name), "postern-front-%llx-%llx", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    cgroup_make(&s->front_group, name, FRONT_MEMORY_MAX);
}
#endif

/* Everything that needs privileges happens here. */
static int prepare(struct supervisor *s)
{
    int r = identities_find(s->settings, &s->ids);
    if (!r)
        r = paths_prepare(s->settings, &s->ids, &s->paths);
    if (!r && (r = paths_lock(&s->paths)) > 0)
        r = 0; /* the lock is held until we end */
    if (r)
        return r;
    int people = listen_open(s->settings->listen), agents = people < 0 ? -1 : listen_open(s->settings->listen_agents);
    if (people < 0 || agents < 0)
        return people < 0 ? people : agents;
    log_info("listening: people %u, agents %u", listen_port(people), listen_port(agents));
#ifndef POSTERN_SANITIZED
    front_group_make(s);
#endif
    children_describe(s, people, agents);
    r = capabilities_drop();
    if (!r)
        r = keys_make(s);
    return r;
}

static int run(struct supervisor *s)
{
    int r = signals_take(s);
    if (!r)
        r = status_open(s);
    if (r)
        return r;
    s->deadline.on_due = on_deadline;
    s->silence.on_due = on_silence;
    s->watchdog.on_due = on_watchdog;
    if ((s->watchdog_ms = notify_watchdog_ms()) > 0)
        on_watchdog(&s->watchdog);
    if (s->settings->database_url)
        s->children[DATABASE].state = CHILD_STOPPED;
    else
        child_start(&s->children[DATABASE], s->loop);
    child_start(&s->children[CORE], s->loop);
    child_start(&s->children[FRONT_PEOPLE], s->loop);
    child_start(&s->children[FRONT_AGENTS], s->loop);
    return loop_run(s->loop);
}

int supervise(const struct settings *settings)
{
    struct supervisor *s = xalloc(sizeof(*s));
    s->settings = settings;
    settings_to_env(settings);
    int r = prepare(s);
    if (!r) {
        s->loop = loop_new();
        r = run(s);
        loop_free(s->loop);
        cgroup_remove(&s->front_group);
    }
    if (r)
        log_error("posternd ends: %s", strerror(r < 0 ? -r : r));
    else
        log_info("posternd ended");
    free(s);
    return r ? 1 : 0;
}
