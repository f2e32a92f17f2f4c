/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/guard.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/front/hpack.h"
#include <dlfcn.h>
#include <sys/socket.h>

enum {
    MAGIC = 0x67756172,
    RESETS_BURST = 200, /* a person who leaves a busy page cancels dozens of requests at once */
    RESETS_PER_SECOND = 10,
    CONTINUATIONS_MAX = 64, /* in a row; 16 KiB each is four times HPACK_BLOCK_MAX at full size */
};

/* The library's own functions, behind ours. */
static struct {
    __typeof__(h2o_hpack_parse_headers) *parse_headers;
    __typeof__(h2o_http2_decode_frame) *decode_frame;
    __typeof__(h2o_http2_stream_send_pending_data) *send_pending_data;
    __typeof__(h2o_http2_stream_reset) *stream_reset;
} next;

static struct guard_stats stats;
static struct guard_sight *sight;
static unsigned n_continuations; /* in a row, whatever connection: the spin never leaves one read callback */

int guard_init(void)
{
    next.parse_headers = (__typeof__(next.parse_headers))dlsym(RTLD_NEXT, "h2o_hpack_parse_headers");
    next.decode_frame = (__typeof__(next.decode_frame))dlsym(RTLD_NEXT, "h2o_http2_decode_frame");
    next.send_pending_data = (__typeof__(next.send_pending_data))dlsym(RTLD_NEXT, "h2o_http2_stream_send_pending_data");
    next.stream_reset = (__typeof__(next.stream_reset))dlsym(RTLD_NEXT, "h2o_http2_stream_reset");
    return next.parse_headers && next.decode_frame && next.send_pending_data && next.stream_reset ? 0 : -ENOSYS;
}

void guard_conn_init(struct guard_conn *c)
{
    *c = (struct guard_conn){.magic = MAGIC, .resets_left = RESETS_BURST, .refilled_ms = clock_boot_ms()};
}

struct guard_conn *guard_conn_of(h2o_socket_t *sock)
{
    struct guard_conn *c = sock ? sock->on_close.data : NULL;
    return c && c->magic == MAGIC ? c : NULL;
}

const struct guard_stats *guard_stats(void)
{
    return &stats;
}

void guard_stats_reset(void)
{
    stats = (struct guard_stats){0};
}

const char *guard_kill_name(enum guard_kill kill)
{
    static const char *const names[] = {"header block bomb", "stream resets", "CONTINUATION frames"};
    return names[kill];
}

void guard_look(struct guard_sight *s)
{
    sight = s;
}

void guard_shutdown(h2o_socket_t *sock)
{
    shutdown(h2o_socket_get_fd(sock), SHUT_RDWR);
}

/* HPACK field bomb: the library has no limit of fields, and one byte per field on the wire becomes some 120 in memory. */
int h2o_hpack_parse_headers(h2o_req_t *req, h2o_hpack_header_table_t *table, const uint8_t *src, size_t len,
                            int *pseudo_header_exists_map, size_t *content_length, h2o_cache_digests_t **digests,
                            const char **err_desc)
{
    if (!hpack_block_ok(src, len)) {
        stats.kills[GUARD_HEADERS]++;
        *err_desc = "header block too large";
        return H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM;
    }
    return next.parse_headers(req, table, src, len, pseudo_header_exists_map, content_length, digests, err_desc);
}

/*
 * CONTINUATION spin: once a connection is draining the library consumes nothing of a CONTINUATION frame and decodes it
 * again for ever. Many of them are an attack at any other time, too.
 */
ssize_t h2o_http2_decode_frame(h2o_http2_frame_t *frame, const uint8_t *src, size_t len,
                               const h2o_http2_settings_t *host_settings, const char **err_desc)
{
    ssize_t n = next.decode_frame(frame, src, len, host_settings, err_desc);
    if (n < 0)
        return n;
    stats.bytes += (uint64_t)n;
    if (frame->type != H2O_HTTP2_FRAME_TYPE_CONTINUATION) {
        n_continuations = 0;
        return n;
    }
    if (++n_continuations <= CONTINUATIONS_MAX)
        return n;
    n_continuations = 0;
    stats.kills[GUARD_CONTINUATION]++;
    return H2O_HTTP2_ERROR_PROTOCOL_CLOSE_IMMEDIATELY;
}

/*
 * Slow-reader assertion: a stream that is done but not yet flushed sits in a list; a WINDOW_UPDATE that lifts its
 * window from zero makes the library assert that it does not (upstream 00977f6). A finished stream needs no window, so
 * it never gets to show one of zero.
 */
static void lift_window(h2o_http2_stream_t *stream)
{
    if (stream->output_window._avail > 0)
        return;
    stream->output_window._avail = 1;
    stats.windows++;
}

void h2o_http2_stream_send_pending_data(h2o_http2_conn_t *conn, h2o_http2_stream_t *stream)
{
    ssize_t before = stream->output_window._avail;
    next.send_pending_data(conn, stream);
    if (sight)
        *sight = (struct guard_sight){.ctx = conn->super.ctx,
                                      .sock = conn->sock,
                                      .conn = conn,
                                      .req_conn = stream->req.conn,
                                      .stream_id = stream->stream_id,
                                      .peer_window = conn->peer_settings.initial_window_size,
                                      .window_before = before,
                                      .window_after = stream->output_window._avail,
                                      .ended = stream->state == H2O_HTTP2_STREAM_STATE_END_STREAM};
    if (stream->state == H2O_HTTP2_STREAM_STATE_END_STREAM)
        lift_window(stream);
}

/* Takes one reset out of the connection's bucket; false when it is empty. */
static bool may_reset(struct guard_conn *c)
{
    int64_t now = clock_boot_ms();
    int64_t refill = (now - c->refilled_ms) * RESETS_PER_SECOND / 1000;
    if (refill > 0) {
        c->resets_left = (unsigned)MIN((int64_t)RESETS_BURST, c->resets_left + refill);
        c->refilled_ms = now;
    }
    if (!c->resets_left)
        return false;
    c->resets_left--;
    return true;
}

/* Rapid reset (by the client) and MadeYouReset (the client breaks a rule, so that the server resets) both end here. */
void h2o_http2_stream_reset(h2o_http2_conn_t *conn, h2o_http2_stream_t *stream)
{
    h2o_socket_t *sock = conn->sock;
    struct guard_conn *c = guard_conn_of(sock);
    lift_window(stream);
    next.stream_reset(conn, stream);
    if (!c || may_reset(c))
        return;
    if (!c->killed)
        stats.kills[GUARD_RESETS]++;
    c->killed = true;
    guard_shutdown(sock);
}
