/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One client connection and the budget that it shares with others of its origin: an IPv4 address, an IPv6 /64 or,
 * once it is known, a client certificate (many agents may sit behind one address). A conn outlives its socket while
 * core still works on one of its requests, so that closing the connection does not refill the budget.
 */
#pragma once
#include "base/buf.h"
#include "base/list.h"
#include "server/front/guard.h"
#include <netinet/in.h>

struct front;
struct origin;

struct conn {
    struct guard_conn guard; /* first: guard_conn_of() */
    struct front *front;
    h2o_socket_t *sock; /* NULL once closed */
    struct origin *origin;
    SSL_CTX *ssl_ctx; /* the library keeps a bare pointer to it until the ClientHello: ours keeps it alive */
    unsigned refs;    /* the socket's and one per exchange */
    size_t n_requests;
    struct list link;
    char peer[INET6_ADDRSTRLEN];
    struct buf certificate;   /* DER of the verified client certificate, empty for people */
    size_t buffered;          /* by watch_sweep() */
    int64_t headers_since_ms; /* since when a header block is unfinished; 0 = none is */
};

/* Takes over an accepted socket, or closes it when a budget is used up. */
void conn_accept(struct front *f, h2o_socket_t *sock);
/* NULL for sockets that are not a client's. */
struct conn *conn_of_socket(h2o_socket_t *sock);
struct conn *conn_of_request(h2o_req_t *req);
/* Keeps the verified client certificate; from now on its budget is that of the certificate. Ends the connection when
 * the certificate has too many. */
void conn_identify(struct conn *c, const void *der, size_t len);
/* Counts one more request against connection, origin and process; false when one of them has enough. */
bool conn_take_request(struct conn *c) MUSTCHECK;
void conn_end_request(struct conn *c);
