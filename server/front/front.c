/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/front.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/front/answer.h"
#include "server/front/conn.h"
#include "server/front/exchange.h"
#include "server/front/request.h"
#include "server/front/sandbox.h"
#include "server/front/state.h"
#include "server/front/watch.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    TURN_MS = 100,         /* longest wait of the loop: the step of reconnecting to core */
    SWEEP_MS = 500,        /* input is measured this often, */
    SWEEP_BYTES = 4 << 20, /* and whenever so much has arrived */
    ACCEPTS_PER_TURN = 64,
    FDS_RESERVED = 64,
    GOAWAY_MS = 1200, /* the library sends its second GOAWAY after a second */
};

void front_limits_default(struct front_limits *l)
{
    *l = (struct front_limits){
        .body_max = FRAME_BODY_MAX,
        .connections_max = 16384,
        .connections_per_origin = 512,
        .requests_max = 32768,
        .requests_per_origin = 1024,
        .requests_per_connection = 32,
        .buffered_per_connection = 16 << 20,
        .buffered_max = 128 << 20,
        .handshake_ms = 10000,
        .idle_ms = 120000,
        .request_ms = 30000,
        .answer_ms = 30000,
        .send_ms = 60000,
        .drain_ms = 5000,
    };
}

/* As many descriptors as the hard limit gives; the limit of connections follows. */
static int raise_files(struct front *f)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r))
        return -errno;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r))
        return -errno;
    size_t room = r.rlim_cur > 2 * FDS_RESERVED ? (size_t)r.rlim_cur - FDS_RESERVED : FDS_RESERVED;
    f->limits.connections_max = MIN(f->limits.connections_max, room);
    return 0;
}

static void configure(struct front *f)
{
    h2o_config_init(&f->conf);
    f->conf.server_name = h2o_iovec_init(H2O_STRLIT("postern"));
    /* Above our own limit, so that a body a little too large gets an answer instead of a reset. */
    f->conf.max_request_entity_size = f->limits.body_max + (f->limits.body_max >> 1);
    f->conf.handshake_timeout = (uint64_t)f->limits.handshake_ms;
    f->conf.http1.req_timeout = (uint64_t)f->limits.request_ms;
    f->conf.http1.upgrade_to_http2 = 0;
    f->conf.http2.idle_timeout = (uint64_t)f->limits.idle_ms;
    f->conf.http2.graceful_shutdown_timeout = (uint64_t)MAX(f->limits.drain_ms - 1000, 100);
    h2o_hostconf_t *host = h2o_config_register_host(&f->conf, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    answer_register(host, path);
    request_register(f, path);
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct front *f = listener->data;
    h2o_socket_t *sock;
    for (int i = 0; !err && i < ACCEPTS_PER_TURN && (sock = h2o_evloop_socket_accept(listener)); i++)
        conn_accept(f, sock);
}

static void start_drain(struct front *f)
{
    if (f->drain_since_ms)
        return;
    f->drain_since_ms = clock_boot_ms();
    log_info("draining: %zu connections, %zu requests", f->n_conns, f->n_requests);
    h2o_socket_close(f->listener);
    f->listener = NULL;
    h2o_context_request_shutdown(&f->ctx);
    exchange_drain(f);
    /* The last resort, should the loop itself be stuck. */
    alarm((unsigned)(f->limits.drain_ms / 1000) + 1);
}

static void on_signal(h2o_socket_t *sock, const char *err)
{
    struct front *f = sock->data;
    struct signalfd_siginfo info;
    while (read(h2o_socket_get_fd(sock), &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo != SIGHUP)
            start_drain(f);
        else if (tls_load(f))
            log_warn("the old certificate stays in use");
    }
}

static h2o_socket_t *watch_fd(struct front *f, int fd, h2o_socket_cb on_ready)
{
    h2o_socket_t *sock = h2o_evloop_socket_create(f->ctx.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    sock->data = f;
    h2o_socket_read_start(sock, on_ready);
    return sock;
}

static int watch_signals(struct front *f)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -errno;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    f->signals = watch_fd(f, fd, on_signal);
    return 0;
}

static void report(struct front *f, struct guard_stats *seen)
{
    const struct guard_stats *now = guard_stats();
    for (int i = 0; i < GUARD_KILL_END; i++)
        if (now->kills[i] != seen->kills[i])
            log_warn("guard: %llu connections closed for %s, %llu since start",
                     (unsigned long long)(now->kills[i] - seen->kills[i]), guard_kill_name((enum guard_kill)i),
                     (unsigned long long)now->kills[i]);
    if (f->refused_conns)
        log_warn("%llu connections refused: over the limit", (unsigned long long)f->refused_conns);
    f->refused_conns = 0;
    *seen = *now;
}

static void every_second(struct front *f, int64_t now_ms)
{
    static struct guard_stats seen;
    if (now_ms - f->second_ms < 1000)
        return;
    f->second_ms = now_ms;
    exchange_tick(f, now_ms);
    tls_watch(f);
    report(f, &seen);
}

static void tick(struct front *f)
{
    int64_t now = clock_boot_ms();
    uint64_t bytes = guard_stats()->bytes;
    link_tick(f, now);
    if (now - f->sweep_ms >= SWEEP_MS || bytes - f->swept_bytes >= SWEEP_BYTES) {
        f->sweep_ms = now;
        f->swept_bytes = bytes;
        watch_sweep(f);
    }
    every_second(f, now);
}

/* Idle connections have had their GOAWAY by then; those with a request get all the time there is. */
static bool is_drained(const struct front *f)
{
    if (!f->drain_since_ms)
        return false;
    int64_t spent = clock_boot_ms() - f->drain_since_ms;
    return !f->n_conns || (!f->n_requests && spent >= GOAWAY_MS) || spent >= f->limits.drain_ms;
}

static int set_up(struct front *f)
{
    int r = raise_files(f);
    if (r) {
        log_error("raising the limit of open files: %s", strerror(-r));
        return r;
    }
    configure(f);
    h2o_context_init(&f->ctx, h2o_evloop_create(), &f->conf);
    f->accept = (h2o_accept_ctx_t){.ctx = &f->ctx, .hosts = f->conf.hosts};
    r = watch_signals(f);
    if (r)
        return r;
    r = tls_load(f);
    if (r)
        return r;
    link_init(f);
    r = sandbox_enter();
    if (r) {
        log_error("installing the seccomp filter: %s", strerror(-r));
        return r;
    }
    f->listener = watch_fd(f, f->config->listen_fd, on_accept);
    return 0;
}

int front_main(const struct front_config *config)
{
    static struct front front; /* the library keeps pointers into it until the process ends */
    struct front *f = &front;
    f->config = config;
    f->limits = config->limits;
    list_init(&f->conns);
    list_init(&f->exchanges);
    signal(SIGPIPE, SIG_IGN); /* the library writes to sockets that may be closed */
    if (guard_selftest() || set_up(f))
        return 1;
    log_info("serving %s", config->listener == FRAME_AGENTS ? "agents" : "people");
    do {
        tick(f);
        h2o_evloop_run(f->ctx.loop, TURN_MS);
    } while (!is_drained(f));
    log_info("drained: %zu connections left", f->n_conns);
    return 0;
}
