/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running gateway: one loop, one link to posternd, one kernel. The parts below share this struct; each file says
 * which fields are its own.
 */
#pragma once
#include "agent/link.h"
#include "base/map.h"
#include "gateway/control.h"
#include "gateway/kernel.h"

struct settings {
    const char *state_dir, *run_dir, *interface, *engine;
    uint16_t listen_port;
};

struct gateway {
    struct settings settings;
    struct loop *loop;
    struct identity identity;
    struct link *link;
    struct vault vault;
    struct renewals renewals;
    struct kernel kernel;
    struct reconcile reconcile;
    struct control control;

    /* daemon.c */
    struct loop_timer tick, leave;
    struct loop_fd engine_death;
    struct clock_watch clock;
    int64_t applied_ms, distrust_ms, watchdog_ms, watchdog_due_ms;
    bool closed;  /* nothing is granted until the state has been listed anew */
    bool applied; /* the last pass succeeded */
    bool leaving;
    unsigned n_timeouts; /* passes in a row in which the engine did not answer */
    char problem[256];   /* of the last pass, "" = none */

    /* answers.c: connection id -> struct answer */
    struct map answers;

    /* report.c */
    struct loop_timer status_timer;
    struct http_call *status_call, *denied_call;
    struct nft_denied *denied; /* read, not yet delivered */
    size_t n_denied;
    int64_t denied_seq, denied_read_ms;
    char status_revision[EVENT_ID_MAX + 1]; /* as reported last */
};

/* Runs until SIGTERM or SIGINT (leave for good) or SIGHUP (leave everything running). Returns an exit code. */
int gateway_run(const struct settings *settings);

/* One pass: admit, reconcile, answer. */
void gateway_apply(struct gateway *g);

/* answers.c: what posternd is told about each connection. */
void answers_accept(struct gateway *g, const struct vault_peer *p);
void answers_fail(struct gateway *g, const char *id, const char *reason);
bool answers_failed(const struct gateway *g, const char *id);
/* Sends what waits; accepts only when the kernel is ready for the client. */
void answers_send(struct gateway *g);
/* Forgets answers about connections that are gone. */
void answers_prune(struct gateway *g, int64_t now_ms);
void answers_done(struct gateway *g);

/* report.c */
void report_init(struct gateway *g);
void report_done(struct gateway *g);
void report_status_soon(struct gateway *g, int64_t delay_ms);
/* Says goodbye; on_done of the call stops the loop. */
void report_goodbye(struct gateway *g, http_done_fn *on_done);
void report_denied(struct gateway *g, int64_t now_ms);
uint64_t report_refused(struct gateway *g);

/* show.c: answers of the control socket. */
void show_answer(void *arg, const char *command, struct buf *out);
