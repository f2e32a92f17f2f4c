/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/http.h"
#include "base/buf.h"
#include "base/str.h"
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct http {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
    char *base_url, *pin, *certificate;
    struct secret key;
    int stall_s;
    struct list calls;
    int busy; /* callbacks are running: dead calls stay in the list */
    bool reset;
};

/* Bytes that nobody acknowledges for so long end the connection: keepalive alone does not see them. */
enum { UNACKNOWLEDGED_MS = 30000 };

struct http_call {
    struct list link;
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    struct buf request, body, fresh; /* fresh: stream bytes that on_data has not seen */
    http_data_fn *on_data;
    http_done_fn *on_done;
    void *arg;
    char why[CURL_ERROR_SIZE];
    bool dead, oversize, doomed;
};

struct http_socket {
    struct loop_fd source;
    struct http *http;
};

static void settle(struct http *h);

static void on_socket(struct loop_fd *source, uint32_t events)
{
    /* The socket may be gone after curl has run. */
    struct http *h = container_of(source, struct http_socket, source)->http;
    int flags = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    int running;
    curl_multi_socket_action(h->multi, source->fd, flags, &running);
    settle(h);
}

static void on_timer(struct loop_timer *timer)
{
    struct http *h = container_of(timer, struct http, timer);
    int running;
    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    settle(h);
}

static int curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http *h = arg;
    if (timeout_ms < 0)
        loop_timer_stop(&h->timer);
    else
        loop_timer_start(h->loop, &h->timer, timeout_ms);
    return 0;
}

static void socket_forget(struct http_socket *s)
{
    if (!s)
        return;
    loop_fd_remove(&s->source);
    free(s);
}

static int curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    struct http *h = arg;
    struct http_socket *s = assigned;
    if (what == CURL_POLL_REMOVE) {
        socket_forget(s);
        curl_multi_assign(h->multi, fd, NULL);
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) | (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (s)
        return loop_fd_modify(&s->source, events) ? -1 : 0;
    s = xalloc(sizeof(*s));
    s->http = h;
    s->source = (struct loop_fd){.fd = fd, .events = events, .on_ready = on_socket};
    if (loop_fd_add(h->loop, &s->source)) {
        free(s);
        return -1;
    }
    curl_multi_assign(h->multi, fd, s);
    return 0;
}

static CURLM *multi_new(struct http *h)
{
    CURLM *multi = curl_multi_init();
    if (!multi)
        abort();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, curl_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, curl_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
    return multi;
}

struct http *http_new(const struct http_options *options)
{
    struct http *h = xalloc(sizeof(*h));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    h->loop = options->loop;
    h->timer.on_due = on_timer;
    h->base_url = str_dup(options->base_url);
    h->pin = str_dup(options->pin);
    h->stall_s = options->stall_s;
    list_init(&h->calls);
    h->multi = multi_new(h);
    return h;
}

static void call_free(struct http_call *c)
{
    list_remove(&c->link);
    if (c->easy) {
        curl_multi_remove_handle(c->http->multi, c->easy);
        curl_easy_cleanup(c->easy);
    }
    curl_slist_free_all(c->headers);
    if (c->request.data)
        secret_wipe(c->request.data, c->request.cap); /* may hold a password */
    buf_done(&c->request);
    buf_done(&c->body);
    buf_done(&c->fresh);
    free(c);
}

void http_free(struct http *h)
{
    if (!h)
        return;
    list_for_each_safe (it, &h->calls)
        call_free(container_of(it, struct http_call, link));
    curl_multi_cleanup(h->multi);
    loop_timer_stop(&h->timer);
    free(h->base_url);
    free(h->pin);
    free(h->certificate);
    secret_done(&h->key);
    free(h);
}

void http_identify(struct http *h, const char *certificate, const struct secret *key)
{
    free(h->certificate);
    h->certificate = str_dup(certificate);
    if (!h->key.p) /* running calls point into it */
        h->key = secret_copy(key->p, key->len);
}

static size_t on_write(char *p, size_t size, size_t n, void *arg)
{
    struct http_call *c = arg;
    long status = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (c->on_data && status == 200) {
        buf_append(&c->fresh, p, n);
        return n;
    }
    if (c->body.len + n > HTTP_ANSWER_MAX) {
        c->oversize = true;
        return 0;
    }
    buf_append(&c->body, p, n);
    return n;
}

static void identify(struct http_call *c)
{
    struct http *h = c->http;
    struct curl_blob cert = {h->certificate, strlen(h->certificate), CURL_BLOB_COPY};
    struct curl_blob key = {h->key.p, h->key.len, CURL_BLOB_NOCOPY};
    curl_easy_setopt(c->easy, CURLOPT_SSLCERT_BLOB, &cert);
    curl_easy_setopt(c->easy, CURLOPT_SSLCERTTYPE, "PEM");
    curl_easy_setopt(c->easy, CURLOPT_SSLKEY_BLOB, &key);
    curl_easy_setopt(c->easy, CURLOPT_SSLKEYTYPE, "PEM");
}

static void trust(struct http_call *c)
{
    if (!c->http->pin)
        return;
    /* The pin names the key itself, which says more than any authority could. */
    curl_easy_setopt(c->easy, CURLOPT_PINNEDPUBLICKEY, c->http->pin);
    curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

static int on_new_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    unsigned ms = UNACKNOWLEDGED_MS;
    if (setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)))
        return CURL_SOCKOPT_ERROR;
    return CURL_SOCKOPT_OK;
}

static struct http_call *call_new(struct http *h, const char *path, http_done_fn *on_done, void *arg)
{
    struct http_call *c = xalloc(sizeof(*c));
    BUF_AUTO url = {0};
    c->http = h;
    c->on_done = on_done;
    c->arg = arg;
    c->easy = curl_easy_init();
    if (!c->easy)
        abort();
    list_append(&h->calls, &c->link);
    buf_printf(&url, "%s%s", h->base_url, path);
    curl_easy_setopt(c->easy, CURLOPT_URL, buf_str(&url));
    curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(c->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c->easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    curl_easy_setopt(c->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c->easy, CURLOPT_TCP_KEEPIDLE, 15L);
    curl_easy_setopt(c->easy, CURLOPT_TCP_KEEPINTVL, 10L);
    curl_easy_setopt(c->easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
    curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "postern/" POSTERN_VERSION);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->why);
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    trust(c);
    if (h->certificate)
        identify(c);
    return c;
}

static void add_header(struct http_call *c, const char *line)
{
    c->headers = curl_slist_append(c->headers, line);
    if (!c->headers)
        abort();
}

static struct http_call *launch(struct http_call *c)
{
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    if (curl_multi_add_handle(c->http->multi, c->easy) != CURLM_OK)
        abort(); /* only out of memory, or from inside curl, which settle() rules out */
    return c;
}

struct http_call *http_start(struct http *h, const char *method, const char *path, const char *body, size_t len,
                             int timeout_ms, http_done_fn *on_done, void *arg)
{
    struct http_call *c = call_new(h, path, on_done, arg);
    curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (body) {
        buf_append(&c->request, body, len);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, buf_str(&c->request));
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        add_header(c, "Content-Type: application/json");
    }
    add_header(c, "Accept: application/json");
    add_header(c, "Expect:");
    return launch(c);
}

struct http_call *http_stream(struct http *h, const char *path, http_data_fn *on_data, http_done_fn *on_done, void *arg)
{
    struct http_call *c = call_new(h, path, on_done, arg);
    c->on_data = on_data;
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, (long)h->stall_s);
    add_header(c, "Accept: application/x-ndjson");
    return launch(c);
}

void http_cancel(struct http_call *call)
{
    if (!call)
        return;
    call->dead = true;
    if (!call->http->busy)
        call_free(call);
}

static int errno_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return -EHOSTUNREACH;
    case CURLE_COULDNT_CONNECT:
        return -ECONNREFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_PEER_FAILED_VERIFICATION:
        return -EKEYREJECTED;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return -EINVAL;
    default:
        return -ECONNRESET;
    }
}

/* What people can do something about, in words that say what. */
static const char *why_of(const struct http_call *c, CURLcode code)
{
    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
        return "the server's key is not the pinned one: `posternd address` there prints the right one";
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return "the server's certificate is not trusted here: use the address with #pin= that `posternd address` "
               "prints there";
    return *c->why ? c->why : curl_easy_strerror(code);
}

static void finish(struct http_call *c, CURLcode code)
{
    long status = 0;
    curl_off_t retry_s = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_s);
    int error = c->oversize ? -EMSGSIZE : errno_of(code);
    struct http_answer answer = {
        .error = error,
        .why = why_of(c, code),
        .status = error ? 0 : (int)status,
        .body = buf_str(&c->body),
        .len = c->body.len,
        .retry_after_ms = MIN((int64_t)retry_s, INT64_C(3600)) * 1000,
    };
    c->dead = true;
    c->on_done(c->arg, &answer);
}

static void deliver(struct http *h)
{
    list_for_each (it, &h->calls) {
        struct http_call *c = container_of(it, struct http_call, link);
        if (c->dead || !c->fresh.len)
            continue;
        struct buf fresh = c->fresh;
        c->fresh = (struct buf){0};
        c->on_data(c->arg, fresh.data, fresh.len);
        buf_done(&fresh);
    }
}

static void bury(struct http *h)
{
    list_for_each_safe (it, &h->calls) {
        struct http_call *c = container_of(it, struct http_call, link);
        if (c->dead)
            call_free(c);
    }
}

/* Calls that callbacks start meanwhile move to the new connection. */
static void reset_now(struct http *h)
{
    CURLM *old = h->multi;
    h->reset = false;
    list_for_each (it, &h->calls)
        container_of(it, struct http_call, link)->doomed = true;
    h->busy++;
    list_for_each (it, &h->calls) {
        struct http_call *c = container_of(it, struct http_call, link);
        if (c->doomed && !c->dead)
            finish(c, CURLE_SEND_ERROR);
    }
    h->busy--;
    bury(h);
    list_for_each (it, &h->calls)
        curl_multi_remove_handle(old, container_of(it, struct http_call, link)->easy);
    curl_multi_cleanup(old);
    loop_timer_stop(&h->timer);
    h->multi = multi_new(h);
    list_for_each (it, &h->calls)
        launch(container_of(it, struct http_call, link));
}

void http_reset(struct http *h)
{
    h->reset = true;
    if (!h->busy)
        reset_now(h);
}

static void hand_out_ends(struct http *h)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(h->multi, &left))) {
        struct http_call *c;
        if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c) != CURLE_OK)
            continue;
        CURLcode code = m->data.result;
        if (!c->dead)
            finish(c, code);
    }
}

/* After curl has run: hands out what came, in the order data before end, and buries what is over. */
static void settle(struct http *h)
{
    h->busy++;
    deliver(h);
    hand_out_ends(h);
    h->busy--;
    bury(h);
    if (h->reset)
        reset_now(h);
}
