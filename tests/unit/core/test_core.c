/* SPDX-License-Identifier: Apache-2.0 */
/* The process core with a front of ours on its socket: calls, streams, cancelling, a full queue, a lost database. */
#include "../db/testdb.h"
#include "../test.h"
#include "base/clock.h"
#include "base/str.h"
#include "server/core/core.h"
#include "server/frame/frame.h"
#include "server/settings/settings.h"
#include "server/settings/status.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_MS = 60000, WORKERS = 8, QUEUE = 256 };

/* --- the application --- */

static atomic_int value, n_closed, n_renders, n_blocked, n_periods;
static atomic_bool gate_open, end_streams;
static _Atomic(struct stream *) newest;

static int on_render(struct stream *s, void *ctx, struct db *db, struct buf *out)
{
    int *last = ctx, now = atomic_load(&value);
    atomic_fetch_add(&n_renders, 1);
    if (now != *last)
        buf_printf(out, "%d\n", now);
    *last = now;
    return atomic_load(&end_streams) ? -ENODATA : 0;
}

static void on_closed(void *ctx)
{
    free(ctx);
    atomic_fetch_add(&n_closed, 1);
}

static const struct stream_ops ops = {.render = on_render, .closed = on_closed};

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void dispatch(struct request *req, struct response *res)
{
    res->status = 200;
    if (str_eq(req->path, "/echo")) {
        const char *h = request_header(req, "accept");
        response_header(res, "x-accept", h ? h : "none\r\nx-injected: 1");
        buf_append(&res->body, req->body, req->body_len);
    } else if (str_eq(req->path, "/stream")) {
        struct stream *s = response_stream(req, res, "application/x-ndjson", &ops, xalloc(sizeof(int)));
        atomic_store(&newest, stream_ref(s));
    } else {
        atomic_fetch_add(&n_blocked, 1);
        while (!atomic_load(&gate_open) && !request_cancelled(req))
            pause_ms(1);
    }
}

static bool dispatch_offline(struct request *req, struct response *res)
{
    if (!str_eq(req->path, "/livez"))
        return false;
    res->status = 200;
    return true;
}

static void on_period(struct core *core, struct db *db, void *arg)
{
    atomic_fetch_add(&n_periods, 1);
}

static int start(struct core *core, struct db *db)
{
    core_every(core, 5, on_period, NULL);
    return 0;
}

static const struct core_app app = {.dispatch = dispatch, .dispatch_offline = dispatch_offline, .start = start};

/* --- the process --- */

static char data_dir[128], run_dir[128];
static struct settings settings = {.data_dir = data_dir,
                                   .run_dir = run_dir,
                                   .listen = "127.0.0.1:1",
                                   .listen_agents = "127.0.0.1:2",
                                   .user = "postern",
                                   .front_user = "postern-front"};
static pthread_t core_thread;
static int status_fds[2];

static void *run_core(void *arg)
{
    const struct core_config config = {
        .settings = &settings, .app = &app, .conninfo = testdb_conninfo(), .status_fd = status_fds[1]};
    return (void *)(intptr_t)core_run(&config);
}

/* --- our front --- */

struct link {
    int fd;
    struct frame_reader in;
    struct arena arena;
    uint64_t next_id;
};

static void link_put(struct link *l, struct frame *f)
{
    BUF_AUTO out = {0};
    assert_int_equal(frame_encode(&out, f), 0);
    assert_int_equal(send(l->fd, out.data, out.len, MSG_NOSIGNAL), out.len);
}

static struct link link_open_as(enum frame_listener listener)
{
    struct link l = {.fd = socket(AF_UNIX, SOCK_STREAM, 0)};
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%.90s/core.sock", run_dir);
    assert_int_equal(connect(l.fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    frame_reader_init(&l.in, FRAME_FROM_CORE);
    arena_init(&l.arena, 64 << 20);
    link_put(&l, &(struct frame){.type = FRAME_HELLO, .hello = {(uint16_t)listener, FRAME_VERSION}});
    return l;
}

static struct link link_open(void)
{
    return link_open_as(FRAME_PEOPLE);
}

static void link_close(struct link *l)
{
    close(l->fd);
    frame_reader_done(&l->in);
    arena_done(&l->arena);
}

static int group_set_up(void **state)
{
    char path[192], status = 0;
    sigset_t term;
    testdb_start(state);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, NULL);
    snprintf(run_dir, sizeof(run_dir), "%s/run", testdb_dir());
    snprintf(data_dir, sizeof(data_dir), "%s/data", testdb_dir());
    mkdir(data_dir, 0700);
    snprintf(path, sizeof(path), "%s/core", data_dir);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/front", data_dir);
    mkdir(path, 0700);
    assert_int_equal(pipe(status_fds), 0);
    assert_int_equal(pthread_create(&core_thread, NULL, run_core, NULL), 0);
    /* Its first sign of life comes when it listens; ready it is when both fronts have said hello. */
    assert_int_equal(read(status_fds[0], &status, 1), 1);
    assert_int_equal(status, STATUS_ALIVE);
    struct link people = link_open_as(FRAME_PEOPLE), agents = link_open_as(FRAME_AGENTS);
    while (status != STATUS_READY)
        assert_int_equal(read(status_fds[0], &status, 1), 1);
    link_close(&people);
    link_close(&agents);
    return 0;
}

static int group_tear_down(void **state)
{
    void *code;
    kill(getpid(), SIGTERM);
    pthread_join(core_thread, &code);
    assert_null(code);
    close(status_fds[0]);
    close(status_fds[1]);
    return testdb_stop(state);
}

/* False when nothing came within the time, or core closed. */
static bool link_get(struct link *l, struct frame *f, int wait_ms)
{
    for (;;) {
        char chunk[65536];
        int r = frame_reader_next(&l->in, &l->arena, f);
        assert_true(r >= 0);
        if (r == 1)
            return true;
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        if (poll(&p, 1, wait_ms) <= 0)
            return false;
        ssize_t n = recv(l->fd, chunk, sizeof(chunk), 0);
        if (n <= 0)
            return false;
        frame_reader_feed(&l->in, chunk, (size_t)n);
    }
}

static uint64_t ask(struct link *l, const char *path, const char *body)
{
    static const struct frame_field accept = {"accept", "text/plain"};
    struct frame f = {.type = FRAME_REQUEST, .stream = ++l->next_id};
    f.request = (struct frame_request){
        .method = "GET", .path = path, .peer = "127.0.0.1", .tls = "TLSv1.3", .request_id = "req_test"};
    if (body) {
        f.request.body = (struct frame_bytes){body, strlen(body)};
        f.request.headers = (struct frame_fields){&accept, 1};
    }
    link_put(l, &f);
    return l->next_id;
}

static struct frame expect(struct link *l, enum frame_type type, uint64_t id)
{
    struct frame f;
    if (!link_get(l, &f, WAIT_MS))
        fail_msg("no %s frame came", frame_type_name(type));
    assert_string_equal(frame_type_name(f.type), frame_type_name(type));
    assert_int_equal(f.stream, id);
    return f;
}

static void control(struct link *l, enum frame_type type, uint64_t id)
{
    link_put(l, &(struct frame){.type = type, .stream = id});
}

static const char *header(const struct frame *f, const char *name)
{
    for (size_t i = 0; i < f->response.headers.n; i++)
        if (str_eq(f->response.headers.items[i].name, name))
            return f->response.headers.items[i].value;
    return NULL;
}

static void await_count(atomic_int *what, int n)
{
    int64_t until = clock_boot_ms() + WAIT_MS;
    while (atomic_load(what) < n && clock_boot_ms() < until)
        pause_ms(1);
    assert_true(atomic_load(what) >= n);
}

/* --- the tests --- */

static void test_answers(void **state)
{
    struct link l = link_open();
    struct frame f;
    ask(&l, "/echo", "hello");
    f = expect(&l, FRAME_RESPONSE, 1);
    assert_int_equal(f.response.status, 200);
    assert_int_equal(f.response.body.len, 5);
    assert_memory_equal(f.response.body.data, "hello", 5);
    assert_string_equal(header(&f, "x-accept"), "text/plain");
    ask(&l, "/echo", NULL);
    f = expect(&l, FRAME_RESPONSE, 2);
    assert_null(header(&f, "x-injected"));
    for (int i = 0; i < 50; i++)
        ask(&l, "/echo", "x");
    for (int i = 0; i < 50; i++)
        assert_true(link_get(&l, &f, WAIT_MS) && f.type == FRAME_RESPONSE);
    link_close(&l);
}

static uint64_t open_stream(struct link *l)
{
    uint64_t id = ask(l, "/stream", NULL);
    struct frame f = expect(l, FRAME_STREAM_START, id);
    assert_string_equal(header(&f, "content-type"), "application/x-ndjson");
    return id;
}

/* Whatever happens between two credits, the reader gets the newest state once. */
static void test_streams_wait_for_credit_and_never_queue(void **state)
{
    struct link l = link_open();
    struct frame f;
    atomic_store(&value, 1);
    uint64_t id = open_stream(&l);
    struct stream *s = atomic_load(&newest);
    assert_false(link_get(&l, &f, 100));
    control(&l, FRAME_CREDIT, id);
    f = expect(&l, FRAME_STREAM_DATA, id);
    assert_memory_equal(f.data.data, "1\n", 2);
    int before = atomic_load(&n_renders);
    for (int i = 2; i <= 1000; i++) {
        atomic_store(&value, i);
        stream_mark(s);
    }
    assert_false(link_get(&l, &f, 100));
    assert_int_equal(atomic_load(&n_renders), before);
    control(&l, FRAME_CREDIT, id);
    f = expect(&l, FRAME_STREAM_DATA, id);
    assert_int_equal(f.data.len, 5);
    assert_memory_equal(f.data.data, "1000\n", 5);
    /* Credit that waits: a mark is answered at once, one without news by nothing. */
    control(&l, FRAME_CREDIT, id);
    stream_mark(s);
    assert_false(link_get(&l, &f, 100));
    atomic_store(&value, 1001);
    stream_mark_after(s, 20);
    f = expect(&l, FRAME_STREAM_DATA, id);
    assert_memory_equal(f.data.data, "1001\n", 5);
    control(&l, FRAME_CREDIT, id);
    atomic_store(&end_streams, true);
    stream_mark(s);
    expect(&l, FRAME_STREAM_END, id);
    atomic_store(&end_streams, false);
    stream_mark(s); /* of a stream that is over: nothing */
    stream_unref(s);
    link_close(&l);
}

static void test_cancelled_streams_close_once(void **state)
{
    struct link l = link_open();
    int before = atomic_load(&n_closed);
    uint64_t id = open_stream(&l);
    control(&l, FRAME_CANCEL, id);
    expect(&l, FRAME_STREAM_END, id);
    await_count(&n_closed, before + 1);
    stream_unref(atomic_load(&newest));
    /* The front goes away with all of its streams. */
    for (int i = 0; i < 20; i++) {
        open_stream(&l);
        stream_unref(atomic_load(&newest));
    }
    link_close(&l);
    await_count(&n_closed, before + 21);
}

static void test_marks_from_many_threads(void **state)
{
    struct link l = link_open();
    atomic_store(&value, 0);
    uint64_t id = open_stream(&l);
    struct stream *s = atomic_load(&newest);
    char last[16] = "";
    control(&l, FRAME_CREDIT, id);
    for (int i = 1; i <= 2000; i++) {
        atomic_store(&value, i);
        stream_mark(s);
    }
    while (!str_eq(last, "2000")) {
        struct frame f = expect(&l, FRAME_STREAM_DATA, id);
        snprintf(last, sizeof(last), "%.*s", (int)f.data.len - 1, (const char *)f.data.data);
        control(&l, FRAME_CREDIT, id);
    }
    stream_unref(s);
    link_close(&l);
}

/* A killed server's backends and a full queue's jobs take their moment to go. */
static void await_status(struct link *l, int status, struct frame *f)
{
    int64_t until = clock_boot_ms() + WAIT_MS;
    do {
        uint64_t asked = ask(l, "/echo", "x");
        while (link_get(l, f, WAIT_MS) && f->stream != asked)
            ;
    } while (f->response.status != status && clock_boot_ms() < until);
    assert_int_equal(f->response.status, status);
}

static void test_a_full_queue_answers_503(void **state)
{
    struct link l = link_open();
    struct frame f;
    atomic_store(&gate_open, false);
    atomic_store(&n_blocked, 0);
    for (int i = 0; i < WORKERS; i++)
        ask(&l, "/block", NULL);
    await_count(&n_blocked, WORKERS);
    /* Work at intervals may take places in the queue, so that a few more may be refused. */
    for (int i = 0; i < QUEUE + 1; i++)
        ask(&l, "/block", NULL);
    assert_true(link_get(&l, &f, WAIT_MS));
    assert_int_equal(f.type, FRAME_RESPONSE);
    assert_int_equal(f.response.status, 503);
    assert_non_null(header(&f, "retry-after"));
    ask(&l, "/livez", NULL);
    while (link_get(&l, &f, WAIT_MS) && f.stream != l.next_id)
        assert_int_equal(f.response.status, 503);
    assert_int_equal(f.response.status, 200);
    link_close(&l); /* cancels all */
    l = link_open();
    await_status(&l, 200, &f);
    atomic_store(&gate_open, true);
    link_close(&l);
}

static void test_a_lost_database_is_503_until_it_is_back(void **state)
{
    struct link l = link_open();
    struct frame f;
    uint64_t id = open_stream(&l);
    struct stream *s = atomic_load(&newest);
    control(&l, FRAME_CREDIT, id);
    testdb_kill();
    await_status(&l, 503, &f);
    assert_string_equal(header(&f, "retry-after"), "1");
    assert_string_equal(header(&f, "content-type"), "application/problem+json");
    testdb_start_again();
    await_status(&l, 200, &f);
    stream_unref(s);
    link_close(&l);
}

static void test_a_front_that_breaks_the_protocol_is_dropped(void **state)
{
    struct link l = link_open();
    struct frame f;
    ask(&l, "/echo", "x");
    expect(&l, FRAME_RESPONSE, 1);
    l.next_id = 0; /* ids must rise */
    ask(&l, "/echo", "x");
    assert_false(link_get(&l, &f, WAIT_MS));
    link_close(&l);
    l = link_open();
    assert_int_equal(send(l.fd, "\xff\xff\xff\xff garbage garbage", 20, MSG_NOSIGNAL), 20);
    assert_false(link_get(&l, &f, WAIT_MS));
    link_close(&l);
}

static void test_work_at_intervals_goes_on(void **state)
{
    await_count(&n_periods, atomic_load(&n_periods) + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_streams_wait_for_credit_and_never_queue),
        cmocka_unit_test(test_cancelled_streams_close_once),
        cmocka_unit_test(test_marks_from_many_threads),
        cmocka_unit_test(test_a_full_queue_answers_503),
        cmocka_unit_test(test_a_lost_database_is_503_until_it_is_back),
        cmocka_unit_test(test_a_front_that_breaks_the_protocol_is_dropped),
        cmocka_unit_test(test_work_at_intervals_goes_on),
    };
    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
