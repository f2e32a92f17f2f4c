/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running client: one loop, one link to posternd, one tunnel interface. The files below share this struct; each
 * says which fields are its own.
 */
#pragma once
#include "agent/link.h"
#include "client/control.h"
#include "client/keep.h"
#include "client/kernel.h"
#include "wireguard/engine.h"

struct settings {
    const char *state_dir, *run_dir, *interface, *engine;
};

struct client {
    struct settings settings;
    struct loop *loop;
    struct control control;
    struct seal seal; /* of the run folder */
    struct keep keep, saved;
    struct tunnel tunnel;

    /* daemon.c */
    struct identity identity;
    bool enrolled;
    struct link *link; /* NULL until enrolled */
    struct loop_timer tick;
    int64_t watchdog_ms, watchdog_due_ms;
    int64_t session_due_ms; /* until then a session that posternd has just given need not be in the stream */
    char refused[256];      /* why posternd refuses this device, "" = it does not */

    /* realise.c */
    struct engine *engine;
    struct loop_fd death;
    struct wg_device seen; /* the engine as it was last */
    char problem[256];     /* that keeps the tunnels from being set up, "" = none */
    struct buf clashes;    /* NUL-terminated texts, one after the other */

    /* sign.c */
    struct guest *signing_in; /* one at a time */
    struct sign_in *sign_in;  /* NULL: nobody signs in; else perhaps for a guest that has left */

    /* calls.c */
    struct list calls;
};

/* Runs until SIGTERM or SIGINT (tunnels go, the session stays for the next daemon) or SIGHUP (tunnels stay too). Returns an
 * exit status. */
int client_run(const struct settings *settings);

/* One pass over everything: what posternd says, what is wanted, what is there. */
void client_apply(struct client *c);
/* Starts the link with the identity that was opened. */
void client_link(struct client *c);
/* Ends link and identity, with all calls. */
void client_unlink(struct client *c);
/* Ends the session here: tunnels, keys, owner. */
void client_forget(struct client *c);
/* The session as the stream tells it; NULL when there is none of ours. */
const struct store_item *client_session(const struct client *c);

/* realise.c: brings engine, addresses and routes to what the tunnel's state and the stream allow. */
void realise(struct client *c, const struct tunnel_view *view);
void realise_nothing(struct client *c);
/* Whether every tunnel has proved alive; looks at the engine. */
bool realise_proved(struct client *c);
const struct wg_peer *realise_peer(const struct client *c, const struct tunnel_site *s);
/* Leaves engine and routes as they are. */
void realise_close(struct client *c);

/* calls.c: requests to posternd for a guest that may leave before the answer comes. */
typedef void call_done_fn(struct client *c, struct guest *g, const char *about, const struct http_answer *answer);
/* g may be NULL; about is copied. */
void call_start(struct client *c, struct guest *g, const char *about, const char *method, const char *path,
                const struct rec *rec, const void *body, call_done_fn *done);
void call_forget_guest(struct client *c, const struct guest *g);
/* Ends all of them as if the server could not be reached. */
void calls_end(struct client *c);
/* Exit status and words for an answer that is not 2xx. */
void call_failed(struct guest *g, const struct http_answer *answer);

/* sign.c */
void sign_in(struct client *c, struct guest *g, const struct local_request *request);
void sign_out(struct client *c, struct guest *g);

/* verbs.c */
void verbs_request(void *arg, struct guest *g, const struct local_request *request);
void verbs_gone(void *arg, struct guest *g);
/* Tells guests that wait for tunnels how far they are. */
void verbs_progress(struct client *c);
/* When the first of them loses patience; INT64_MAX = nobody waits. */
int64_t verbs_next_ms(const struct client *c);

/* show.c */
void show_status(struct client *c, struct guest *g);
void show_resources(struct client *c, struct guest *g);
