/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/link.h"
#include "agent/lines.h"
#include "agent/problem.h"
#include "base/clock.h"
#include "base/haste.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"

enum {
    BACKOFF_BASE_MS = 500,
    BACKOFF_CAP_MS = 30000,
    CALL_TIMEOUT_MS = 20000,
    RENEW_FIRST_MS = 10000,
    RENEW_LOOK_MS = 3600 * 1000,
};

struct link {
    struct loop *loop;
    struct identity *identity;
    struct http *http;
    const struct event_role *role;
    const struct link_ops *ops;
    void *arg;
    struct store store;
    struct lines lines;
    struct http_call *stream, *renewing;
    struct backoff backoff;
    struct loop_timer reconnect, renew;
    int64_t started_ms; /* when the running stream's request was started */
    char revision[EVENT_ID_MAX + 1];
    bool listing, synced, connected, changed;
};

static void connect_stream(struct link *l);

static uint64_t random64(void)
{
    uint64_t v;
    rng_bytes(&v, sizeof(v));
    return v;
}

static void retry_after(struct link *l, int64_t at_least_ms)
{
    int64_t delay = MAX(backoff_next(&l->backoff, random64()), at_least_ms);
    loop_timer_start(l->loop, &l->reconnect, delay);
}

static void on_reconnect(struct loop_timer *timer)
{
    connect_stream(container_of(timer, struct link, reconnect));
}

/* A bookmark closes what came before it. */
static void on_bookmark(struct link *l, const struct event *e)
{
    str_copy(l->revision, sizeof(l->revision), e->revision);
    backoff_reset(&l->backoff);
    if (e->initial_end && l->listing) {
        store_list_end(&l->store);
        l->listing = false;
        l->synced = l->changed = true;
    }
    if (!l->connected) {
        l->connected = true;
        if (l->ops->on_connected)
            l->ops->on_connected(l->arg);
    }
}

static int on_event(struct link *l, struct event *e)
{
    switch (e->type) {
    case EVENT_DELETED:
        if (l->ops->on_deleted)
            l->ops->on_deleted(l->arg, e->kind, e->id, e->reason);
        /* fall through */
    case EVENT_ADDED:
    case EVENT_MODIFIED:
        l->changed |= store_apply(&l->store, e, l->started_ms);
        return 0;
    case EVENT_BOOKMARK:
        on_bookmark(l, e);
        return 0;
    case EVENT_RENEWAL:
        if (l->ops->on_renewal)
            l->ops->on_renewal(l->arg, e->item, l->started_ms + e->at_ms);
        return 0;
    case EVENT_ERROR:
        log_warn("state stream: %s", e->reason ? e->reason : "error without a reason");
        return 0;
    case EVENT_IGNORED:
        return 0;
    }
    return 0;
}

static int on_line(void *arg, const char *line, size_t len)
{
    struct link *l = arg;
    struct event e;
    int r = event_parse(l->role, line, len, &e);
    if (r) {
        log_error("state stream: line of %zu bytes is not understood", len);
        return r;
    }
    r = on_event(l, &e);
    event_done(&e);
    return r;
}

/* One call for all that came together, and none before the state is whole. */
static void announce(struct link *l)
{
    if (!l->changed || !l->synced || l->listing)
        return;
    l->changed = false;
    l->ops->on_state(l->arg);
}

static void lost(struct link *l, const char *why)
{
    bool was = l->connected;
    l->connected = false;
    lines_reset(&l->lines);
    if (was)
        log_info("state stream ended: %s", why);
    else
        log_debug("no state stream: %s", why);
    if (l->ops->on_lost)
        l->ops->on_lost(l->arg, why);
}

static void on_data(void *arg, const char *p, size_t n)
{
    struct link *l = arg;
    int r = lines_feed(&l->lines, p, n, on_line, l);
    if (r) {
        /* What cannot be read cannot be skipped safely: list everything again. */
        http_cancel(l->stream);
        l->stream = NULL;
        *l->revision = '\0';
        lost(l, "unreadable state");
        retry_after(l, BACKOFF_BASE_MS);
        return;
    }
    announce(l);
}

static void on_stream_done(void *arg, const struct http_answer *answer)
{
    struct link *l = arg;
    char why[256] = "ended by the server";
    l->stream = NULL;
    if (answer->error || answer->status != 200)
        problem_text(answer, why, sizeof(why));
    lost(l, why);
    if (answer->error == -ETIMEDOUT)
        http_reset(l->http);
    if (answer->status == 410 || answer->status == 403)
        *l->revision = '\0'; /* whoever comes back after a refusal starts from nothing */
    if (answer->status == 403 && l->ops->on_refused)
        l->ops->on_refused(l->arg, why);
    retry_after(l, answer->retry_after_ms);
}

static void connect_stream(struct link *l)
{
    BUF_AUTO path = {0};
    loop_timer_stop(&l->reconnect);
    buf_puts(&path, "/agent/v1/state");
    l->listing = !*l->revision;
    if (l->listing)
        store_list_begin(&l->store);
    else
        buf_printf(&path, "?since=%s", l->revision);
    lines_reset(&l->lines);
    l->started_ms = clock_boot_ms();
    l->stream = http_stream(l->http, buf_str(&path), on_data, on_stream_done, l);
}

void link_relist(struct link *l)
{
    http_cancel(l->stream);
    l->stream = NULL;
    *l->revision = '\0';
    connect_stream(l);
}

static void identify(struct link *l)
{
    SECRET_AUTO key = pkey_to_pem(l->identity->key);
    char *pem = cert_to_pem(l->identity->cert);
    http_identify(l->http, pem, &key);
    free(pem);
}

/* A new certificate takes a new connection: the stream moves, calls follow. */
static void adopt_certificate(struct link *l, const struct http_answer *answer)
{
    struct arena arena;
    struct certificate_answer a;
    struct rec_errors errors = {0};
    struct cert *cert = NULL;
    const char *wrong = "it cannot be read";
    arena_init(&arena, 64 * 1024);
    if (rec_decode(&certificate_answer_rec, REC_AGENT, answer->body, answer->len, &arena, &a, &errors) == 0 &&
        cert_parse_pem(a.certificate, strlen(a.certificate), &cert) == 0)
        wrong = identity_check_certificate(cert, l->identity->ca, l->identity->key, l->identity->kind, clock_wall_us());
    arena_done(&arena);
    if (wrong) {
        log_error("renewed certificate refused: %s", wrong);
        cert_free(cert);
    } else if (identity_renew(l->identity, cert)) {
        log_error("renewed certificate cannot be stored");
    } else {
        log_info("certificate renewed");
        identify(l);
        http_cancel(l->stream);
        connect_stream(l);
    }
}

static void on_renewed(void *arg, const struct http_answer *answer)
{
    struct link *l = arg;
    char why[256];
    l->renewing = NULL;
    if (!answer->error && answer->status / 100 == 2) {
        adopt_certificate(l, answer);
        return;
    }
    problem_text(answer, why, sizeof(why));
    log_warn("certificate not renewed: %s", why);
}

static void on_renew_look(struct loop_timer *timer)
{
    struct link *l = container_of(timer, struct link, renew);
    struct cert *cert = l->identity->cert;
    loop_timer_start(l->loop, timer, RENEW_LOOK_MS / 2 + (int64_t)rng_below(RENEW_LOOK_MS));
    if (l->renewing || !renewal_due(cert_not_before_us(cert), cert_not_after_us(cert), clock_wall_us()))
        return;
    char *csr = pkey_csr(l->identity->key, l->identity->id);
    struct certificate_request request = {.csr = csr};
    l->renewing = link_call(l, "POST", "/certificate", &certificate_request_rec, &request, on_renewed, l);
    free(csr);
}

struct link *link_new(const struct link_options *options)
{
    struct link *l = xalloc(sizeof(*l));
    struct identity *id = options->identity;
    struct http_options http = {
        .loop = options->loop,
        .base_url = id->agents_url,
        .pin = *id->pin ? id->pin : NULL,
        .stall_s = options->stall_s,
    };
    l->loop = options->loop;
    l->identity = id;
    l->role = options->role;
    l->ops = options->ops;
    l->arg = options->arg;
    l->backoff = (struct backoff){BACKOFF_BASE_MS, haste_ms(BACKOFF_CAP_MS), 0};
    l->reconnect.on_due = on_reconnect;
    l->renew.on_due = on_renew_look;
    store_init(&l->store, l->role);
    lines_init(&l->lines, EVENT_LINE_MAX);
    l->http = http_new(&http);
    identify(l);
    return l;
}

void link_free(struct link *l)
{
    if (!l)
        return;
    loop_timer_stop(&l->reconnect);
    loop_timer_stop(&l->renew);
    http_free(l->http);
    store_done(&l->store);
    lines_done(&l->lines);
    free(l);
}

void link_start(struct link *l)
{
    connect_stream(l);
    loop_timer_start(l->loop, &l->renew, (int64_t)rng_below(RENEW_FIRST_MS));
}

const struct store *link_store(const struct link *l)
{
    return &l->store;
}

bool link_synced(const struct link *l)
{
    return l->synced;
}

bool link_connected(const struct link *l)
{
    return l->connected;
}

const char *link_revision(const struct link *l)
{
    return l->revision;
}

struct http_call *link_call(struct link *l, const char *method, const char *path, const struct rec *rec,
                            const void *body, http_done_fn *on_done, void *arg)
{
    BUF_AUTO full = {0};
    BUF_AUTO json = {0};
    buf_printf(&full, "/agent/v1%s", path);
    if (rec)
        rec_encode(rec, body, 0, &json);
    struct http_call *call =
        http_start(l->http, method, buf_str(&full), rec ? json.data : NULL, json.len, CALL_TIMEOUT_MS, on_done, arg);
    if (json.data)
        secret_wipe(json.data, json.cap);
    return call;
}
