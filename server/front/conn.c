/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/conn.h"
#include "base/haste.h"
#include "base/log.h"
#include "base/str.h"
#include "server/front/state.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>

enum { ORIGIN_KEY_MAX = SHA256_DIGEST_LENGTH };

/* Who shares a budget. */
struct origin {
    uint8_t key[ORIGIN_KEY_MAX];
    size_t key_len; /* 4: IPv4; 8: IPv6 /64; 32: hash of a certificate */
    unsigned refs;  /* by conns */
    size_t n_conns, n_requests;
};

/* Writes the text of the address and its key, returns the key's length; v4-mapped addresses are IPv4. */
static size_t read_address(const struct sockaddr_storage *sa, char text[static INET6_ADDRSTRLEN],
                           uint8_t key[static ORIGIN_KEY_MAX])
{
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)sa)->sin6_addr;
    const void *v4 = NULL;
    if (sa->ss_family == AF_INET)
        v4 = &((const struct sockaddr_in *)sa)->sin_addr;
    else if (sa->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(v6))
        v4 = v6->s6_addr + 12;
    else if (sa->ss_family != AF_INET6)
        return 0;
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? v4 : v6, text, INET6_ADDRSTRLEN);
    memcpy(key, v4 ? v4 : v6, v4 ? 4 : 8);
    return v4 ? 4 : 8;
}

static struct origin *origin_get(struct front *f, const uint8_t *key, size_t len)
{
    struct origin *o = map_get_bytes(&f->origins, key, len);
    if (!o) {
        o = xalloc(sizeof(*o));
        memcpy(o->key, key, len);
        o->key_len = len;
        map_set_bytes(&f->origins, key, len, o);
    }
    o->refs++;
    return o;
}

static void origin_put(struct front *f, struct origin *o)
{
    if (--o->refs)
        return;
    map_remove_bytes(&f->origins, o->key, o->key_len);
    free(o);
}

static void conn_unref(struct conn *c)
{
    if (--c->refs)
        return;
    origin_put(c->front, c->origin);
    buf_done(&c->certificate);
    free(c);
}

static void on_close(void *data)
{
    struct conn *c = data;
    c->sock = NULL;
    SSL_CTX_free(c->ssl_ctx);
    list_remove(&c->link);
    c->front->n_conns--;
    c->origin->n_conns--;
    conn_unref(c);
}

/* A peer that is gone without a word is noticed within a minute and a half. */
enum { UNANSWERED_MS = 90000 };

static void set_options(int fd)
{
    const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 60},
        {IPPROTO_TCP, TCP_KEEPINTVL, 10},
        {IPPROTO_TCP, TCP_KEEPCNT, 3},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, (int)haste_ms(UNANSWERED_MS)},
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value)))
            log_warn("setsockopt %d: %s", options[i].name, strerror(errno));
}

static bool has_room(struct front *f, const uint8_t *key, size_t len)
{
    const struct origin *o = map_get_bytes(&f->origins, key, len);
    return !o || o->n_conns < f->limits.connections_per_origin;
}

void conn_accept(struct front *f, h2o_socket_t *sock)
{
    struct sockaddr_storage sa = {0};
    char text[INET6_ADDRSTRLEN] = "";
    uint8_t key[ORIGIN_KEY_MAX] = {0};
    socklen_t sa_len = h2o_socket_getpeername(sock, (struct sockaddr *)&sa);
    size_t len = sa_len ? read_address(&sa, text, key) : 0;
    if (!len || !f->accept.ssl_ctx || f->n_conns >= f->limits.connections_max || !has_room(f, key, len)) {
        f->refused_conns += len && f->accept.ssl_ctx;
        h2o_socket_close(sock);
        return;
    }
    struct conn *c = xalloc(sizeof(*c));
    guard_conn_init(&c->guard);
    c->front = f;
    c->sock = sock;
    c->refs = 1;
    c->ssl_ctx = f->accept.ssl_ctx;
    SSL_CTX_up_ref(c->ssl_ctx);
    c->origin = origin_get(f, key, len);
    str_copy(c->peer, sizeof(c->peer), text);
    list_append(&f->conns, &c->link);
    f->n_conns++;
    c->origin->n_conns++;
    sock->on_close.cb = on_close;
    sock->on_close.data = c;
    set_options(h2o_socket_get_fd(sock));
    h2o_accept(&f->accept, sock);
}

void conn_identify(struct conn *c, const void *der, size_t len)
{
    struct front *f = c->front;
    uint8_t key[SHA256_DIGEST_LENGTH];
    SHA256(der, len, key);
    buf_reset(&c->certificate);
    buf_append(&c->certificate, der, len);
    if (!has_room(f, key, sizeof(key))) {
        f->refused_conns++;
        guard_shutdown(c->sock);
        return;
    }
    c->origin->n_conns--;
    origin_put(f, c->origin);
    c->origin = origin_get(f, key, sizeof(key));
    c->origin->n_conns++;
}

struct conn *conn_of_socket(h2o_socket_t *sock)
{
    struct guard_conn *guard = guard_conn_of(sock);
    return guard ? container_of(guard, struct conn, guard) : NULL;
}

struct conn *conn_of_request(h2o_req_t *req)
{
    return conn_of_socket(req->conn->callbacks->get_socket(req->conn));
}

bool conn_take_request(struct conn *c)
{
    struct front *f = c->front;
    if (f->n_requests >= f->limits.requests_max || c->origin->n_requests >= f->limits.requests_per_origin ||
        c->n_requests >= f->limits.requests_per_connection)
        return false;
    f->n_requests++;
    c->origin->n_requests++;
    c->n_requests++;
    c->refs++;
    return true;
}

void conn_end_request(struct conn *c)
{
    struct front *f = c->front;
    f->n_requests--;
    c->origin->n_requests--;
    c->n_requests--;
    conn_unref(c);
}
