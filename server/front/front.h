/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The front process: TLS and HTTP for one listening socket, no database and no signing key. It turns requests into
 * frames for core and core's frames into answers. Only this directory includes <h2o.h>.
 */
#pragma once
#include "base/defs.h"
#include "server/frame/frame.h"

/* Bounds for strangers. front_limits_default() gives what a server should run with. */
struct front_limits {
    size_t body_max;               /* bytes of a request body that core gets to see; more is answered 413 */
    size_t connections_max;        /* all connections; lowered to what RLIMIT_NOFILE allows */
    size_t connections_per_origin; /* an origin is an IPv4 address, an IPv6 /64 or a client certificate */
    size_t requests_max;           /* requests and streams that core has not finished, cancelled ones included */
    size_t requests_per_origin;
    size_t requests_per_connection;
    size_t buffered_per_connection; /* bytes of unfinished bodies and header blocks */
    size_t buffered_max;
    int64_t handshake_ms; /* from accept to the end of the TLS handshake */
    int64_t idle_ms;      /* a connection without requests */
    int64_t request_ms;   /* from a request's first byte to its last */
    int64_t answer_ms;    /* core's time for an answer, or for the first part of a stream */
    int64_t send_ms;      /* a client's time to take an answer, or one part of a stream */
    int64_t drain_ms;     /* after SIGTERM */
};

struct front_config {
    enum frame_listener listener;
    int listen_fd;           /* bound and listening; inherited from the supervisor */
    const char *core_socket; /* path */
    const char *certificate; /* PEM chain; read again on SIGHUP, as is the key */
    const char *key;         /* PEM */
    const char *device_ca;   /* PEM; agents only; read again when it changes. Nobody gets in while it is missing. */
    struct front_limits limits;
};

void front_limits_default(struct front_limits *l);

/*
 * Serves until SIGTERM or SIGINT, then drains. Changes the process for good (signal mask, RLIMIT_NOFILE, seccomp):
 * run it in a process of its own that holds nothing else. The memory cap is the supervisor's cgroup. Returns the exit
 * status; 1 when set-up or the self-test of the guard fails.
 */
int front_main(const struct front_config *config);
