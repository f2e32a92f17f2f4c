/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/nft under whatever kernel runs this: flows through renewals, a change of another class, a revocation and an
 * expiry, in IPv4 and IPv6. Expects the network namespaces "client", "gateway" and "resource" with a cable "pstun" for the
 * tunnel (init sets them up). Says what it saw; the exit status is the verdict.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "gateway/nft/nft.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { PORT = 80, TTL_MS = 1000, LONG_MS = 600000, RENEWALS = 3, QUIET_MS = 400 };

#define CHECK(cond, ...)                  \
    do {                                  \
        if (!(cond)) {                    \
            printf("FAILED %s: ", #cond); \
            printf(__VA_ARGS__);          \
            printf("\n");                 \
            exit(1);                      \
        }                                 \
    } while (0)

static void enter(const char *netns)
{
    char path[64];
    snprintf(path, sizeof(path), "/run/netns/%s", netns);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, "%s", path);
    close(fd);
}

static void sleep_ms(int ms)
{
    poll(NULL, 0, ms);
}

struct family {
    const char *name, *client, *resource;
    struct net_endpoint server;
    struct net_addr inner;
};

/* Pours bytes into every connection; lives until the program ends. */
static void *pour(void *arg)
{
    static char bytes[16384];
    int fd = *(int *)arg;
    free(arg);
    while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
        ;
    close(fd);
    return NULL;
}

static void *serve(void *arg)
{
    int listener = *(int *)arg;
    for (;;) {
        int *fd = malloc(sizeof(*fd));
        pthread_t t;
        if (!fd || (*fd = accept(listener, NULL, NULL)) < 0 || pthread_create(&t, NULL, pour, fd))
            abort();
        pthread_detach(t);
    }
}

static void start_server(const struct family *f)
{
    static int listeners[2], n;
    struct sockaddr_storage sa;
    socklen_t len = net_endpoint_sockaddr(f->server, &sa);
    pthread_t t;
    enter("resource");
    int fd = listeners[n] = socket(sa.ss_family, SOCK_STREAM, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, 8) == 0, "%s: %s", f->resource,
          strerror(errno));
    CHECK(pthread_create(&t, NULL, serve, &listeners[n++]) == 0, "thread");
    pthread_detach(t);
}

struct flow {
    int fd;
    pthread_t reader;
    atomic_llong last_us, bytes;
};

static void *read_flow(void *arg)
{
    static _Thread_local char bytes[65536];
    struct flow *w = arg;
    for (ssize_t n; (n = recv(w->fd, bytes, sizeof(bytes), 0)) > 0;) {
        w->last_us = clock_boot_us();
        w->bytes += n;
    }
    return NULL;
}

static int dial(const struct family *f)
{
    struct sockaddr_storage sa;
    socklen_t len = net_endpoint_sockaddr(f->server, &sa);
    enter("client");
    int fd = socket(sa.ss_family, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 5};
    CHECK(fd >= 0, "socket");
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&sa, len) == 0)
        return fd;
    int r = -errno;
    close(fd);
    return r;
}

static void flow_start(struct flow *w, const struct family *f)
{
    *w = (struct flow){.fd = dial(f)};
    CHECK(w->fd >= 0, "%s: connecting: %s", f->name, strerror(-w->fd));
    CHECK(pthread_create(&w->reader, NULL, read_flow, w) == 0, "thread");
    for (int i = 0; i < 500 && w->bytes < 100000; i++)
        sleep_ms(10);
    CHECK(w->bytes >= 100000, "%s: the flow did not begin", f->name);
}

static bool flow_runs(struct flow *w)
{
    long long before = w->bytes;
    for (int i = 0; i < 100; i++) {
        sleep_ms(5);
        if (w->bytes > before + 65536)
            return true;
    }
    return false;
}

/* Waits until nothing came for QUIET_MS; the time of the last byte. */
static long long flow_end(struct flow *w, const char *what)
{
    for (int i = 0; clock_boot_us() - w->last_us < QUIET_MS * 1000; i++) {
        CHECK(i < 1000, "%s: the flow goes on", what);
        sleep_ms(10);
    }
    shutdown(w->fd, SHUT_RDWR);
    pthread_join(w->reader, NULL);
    close(w->fd);
    return w->last_us;
}

struct world {
    struct nft *nft;
    struct nft_box web[2], other[2];
    struct nft_class classes[2];
};

static void commit(struct nft *n, const char *what)
{
    int r = nft_commit(n);
    CHECK(r == 0, "%s: %s", what, strerror(-r));
}

static void set_classes(struct world *w, size_t n_other)
{
    w->classes[0] = (struct nft_class){.boxes = w->web, .n_boxes = 2};
    w->classes[1] = (struct nft_class){.boxes = w->other, .n_boxes = n_other};
    nft_begin(w->nft);
    CHECK(nft_set_classes(w->nft, w->classes, 2) == 0, "classes");
    commit(w->nft, "classes");
}

static void grant(struct world *w, const struct family *f, int64_t left_ms)
{
    nft_begin(w->nft);
    nft_set_grant(w->nft, f->inner, w->classes[0].mark, left_ms);
    commit(w->nft, "grant");
}

static long long drop(struct world *w, const struct family *f)
{
    nft_begin(w->nft);
    nft_drop_grant(w->nft, f->inner, w->classes[0].mark);
    long long start = clock_boot_us();
    commit(w->nft, "revoke");
    return start;
}

static void run_family(struct world *w, const struct family *f)
{
    struct flow flow;
    set_classes(w, 1);
    CHECK(dial(f) == -ECONNREFUSED, "%s: open without a grant", f->name);
    grant(w, f, TTL_MS);
    flow_start(&flow, f);
    for (int i = 0; i < RENEWALS; i++) {
        sleep_ms(TTL_MS / 2);
        grant(w, f, TTL_MS);
        CHECK(flow_runs(&flow), "%s: renewal %d did not hold", f->name, i + 1);
    }
    sleep_ms(TTL_MS * 6 / 10);
    CHECK(flow_runs(&flow), "%s: the last renewal did not replace the time", f->name);
    grant(w, f, LONG_MS);
    uint32_t mark = w->classes[0].mark;
    set_classes(w, 2);
    CHECK(w->classes[0].mark == mark && flow_runs(&flow), "%s: another class changed, this flow suffered", f->name);
    long long start = drop(w, f), last = flow_end(&flow, "revoked");
    CHECK(last - start < 1000000, "%s: cut only after %lld us", f->name, last - start);
    printf("%s: %d renewals held, last byte %lld us after the revocation began\n", f->name, RENEWALS, last - start);
    start = clock_boot_us();
    grant(w, f, TTL_MS);
    flow_start(&flow, f);
    last = flow_end(&flow, "expired");
    CHECK(last - start > TTL_MS * 500LL && last - start < TTL_MS * 2000LL, "%s: expired after %lld us", f->name,
          last - start);
    CHECK(dial(f) == -ECONNREFUSED, "%s: open after its grant expired", f->name);
}

static void check_reports(struct nft *n)
{
    struct nft_denied *denied = NULL;
    struct nft_counters counters;
    size_t n_denied = 0;
    CHECK(nft_read_denied(n, &denied, &n_denied) == 0 && n_denied >= 2, "%zu denied flows", n_denied);
    CHECK(nft_read_counters(n, &counters) == 0 && counters.refused_packets >= 4, "counters");
    free(denied);
}

int main(void)
{
    struct family families[] = {{.name = "IPv4", .client = "100.64.0.2", .resource = "10.50.0.2"},
                                {.name = "IPv6", .client = "fd00:64::2", .resource = "fd00:50::2"}};
    struct world w = {0};
    struct utsname u;
    setvbuf(stdout, NULL, _IOLBF, 0);
    uname(&u);
    printf("kernel %s\n", u.release);
    for (size_t i = 0; i < 2; i++) {
        CHECK(net_addr_parse(families[i].client, &families[i].inner) == 0, "address");
        CHECK(net_addr_parse(families[i].resource, &families[i].server.addr) == 0, "address");
        families[i].server.port = PORT;
        w.web[i] = (struct nft_box){net_prefix_host(families[i].server.addr), 6, 6, PORT, PORT};
        w.other[i] = (struct nft_box){net_prefix_host(families[i].server.addr), 17, 17, (uint16_t)(53 + i), 99};
        start_server(&families[i]);
    }
    enter("gateway");
    struct nft_options options = {.table = "postern-guest", .tunnel = "pstun"};
    int r = nft_open(&options, &w.nft);
    CHECK(r == 0, "nft_open: %s", strerror(-r));
    for (size_t i = 0; i < 2; i++)
        run_family(&w, &families[i]);
    check_reports(w.nft);
    nft_close(w.nft);
    CHECK(nft_remove("postern-guest") == 0, "remove");
    printf("PASSED\n");
    return 0;
}
