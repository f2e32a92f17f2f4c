/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What is going on now, in memory: sessions, their connections, their leases. Filled from the database and changed by
 * one writer; everything handed out belongs to the struct live. Not thread-safe, the owner locks.
 */
#pragma once
#include "base/id.h"
#include "base/list.h"
#include "base/map.h"
#include "server/store/access.h"

enum { INNER_V4_TEXT = 16, INNER_V6_TEXT = 46 };

struct live_session {
    char id[ID_LEN_MAX], device[ID_LEN_MAX], person[ID_LEN_MAX];
    char v4[INNER_V4_TEXT], v6[INNER_V6_TEXT];
    char *email;
    int64_t expires_us;  /* wall time as this process sees it now */
    int64_t set_back_us; /* by how much that was set back since the session was read first */
    struct list connections;
};

/* Connections of one gateway. */
struct live_gateway {
    char id[ID_LEN_MAX];
    struct list connections;
    size_t n_connections; /* pending and ready */
};

struct live_connection {
    char id[ID_LEN_MAX], site[ID_LEN_MAX], replaces[ID_LEN_MAX];
    enum link_state state;
    struct live_session *session;
    struct live_gateway *gateway;
    struct list of_session, of_gateway;
    struct list leases;
    int64_t failed_us; /* wall time; 0 unless failed */
    /* Copies of the row's texts and blobs. */
    struct arena memory;
    const char *reason, *client_certificate, *gateway_certificate;
    struct rec_bytes client_hello, client_signature, gateway_hello, gateway_signature;
};

struct live_lease {
    char id[ID_LEN_MAX], resource[ID_LEN_MAX], decision[ID_LEN_MAX];
    struct live_connection *connection;
    struct list of_connection;
    enum lease_state state;
    int64_t valid_until_us;
    bool held; /* read from the database, not yet judged by the world of now: shown to nobody */
};

struct live {
    struct map sessions, connections, leases, gateways; /* by id */
    struct map devices;                                 /* device id -> its session */
    struct map inner;                                   /* inner address, text -> session */
};

void live_done(struct live *l);

/* Insert or change from a row. Objects whose owner is not there are left out (NULL): it is over already. */
struct live_session *live_put_session(struct live *l, const struct session_row *row);
struct live_connection *live_put_connection(struct live *l, const struct connection_row *row);
struct live_lease *live_put_lease(struct live *l, const struct lease_row *row);
/* Wall time was set back: sessions keep the time that they had left, not the hour at which they were to end. */
void live_set_back(struct live *l, int64_t us);
/* With all below them. Unknown ids are fine. */
void live_drop_session(struct live *l, const char *id);
void live_drop_connection(struct live *l, const char *id);
void live_drop_lease(struct live *l, const char *id);

struct live_session *live_session(const struct live *l, const char *id);
struct live_connection *live_connection(const struct live *l, const char *id);
struct live_lease *live_lease(const struct live *l, const char *id);
/* NULL when it has no connection. */
struct live_gateway *live_gateway(const struct live *l, const char *id);
