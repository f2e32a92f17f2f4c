/* SPDX-License-Identifier: Apache-2.0 */
/* What guests of the control socket ask for. */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "client/daemon.h"
#include <stdio.h>

enum { UP_PATIENCE_MS = 45000 };

/* Root, the person who is signed in, or anybody while nobody is. */
static bool may(const struct client *c, const struct guest *g)
{
    return g->uid == 0 || !*c->keep.session || g->uid == c->keep.owner;
}

static void on_why(struct client *c, struct guest *g, const char *about, const struct http_answer *answer)
{
    struct arena arena;
    struct why_answer why;
    struct rec_errors errors = {0};
    if (!g)
        return;
    if (answer->error || answer->status / 100 != 2) {
        call_failed(g, answer);
        return;
    }
    arena_init(&arena, 64 * 1024);
    if (rec_decode(&why_answer_rec, REC_AGENT, answer->body, answer->len, &arena, &why, &errors)) {
        guest_end(g, CLI_FAILURE, "the server's answer is not understood: is it of another version?");
    } else {
        if (why.effect == WHY_PERMIT && !c->keep.up)
            guest_tell(g, "the tunnels are down here: use postern up");
        struct local_reply reply = {.exit = why.effect == WHY_PERMIT ? CLI_OK : CLI_DENIED, .why = &why};
        guest_finish(g, &reply);
    }
    arena_done(&arena);
}

static void up(struct client *c, struct guest *g)
{
    g->until_ms = clock_boot_ms() + UP_PATIENCE_MS;
    c->keep.up = true;
    client_apply(c);
}

static void down(struct client *c, struct guest *g)
{
    c->keep.up = false;
    client_apply(c);
    guest_end(g, CLI_OK, "the tunnels are down");
}

static void why(struct client *c, struct guest *g, const struct local_request *request)
{
    struct why_request in = {.resource = request->resource};
    if (!in.resource)
        guest_end(g, CLI_USAGE, "which resource?");
    else
        call_start(c, g, "", "POST", "/why", &why_request_rec, &in, on_why);
}

static void signed_in_request(struct client *c, struct guest *g, const struct local_request *request)
{
    switch (g->verb) {
    case LOCAL_RESOURCES:
        show_resources(c, g);
        return;
    case LOCAL_LOGOUT:
        sign_out(c, g);
        return;
    case LOCAL_UP:
        up(c, g);
        return;
    case LOCAL_DOWN:
        down(c, g);
        return;
    case LOCAL_WHY:
        why(c, g, request);
        return;
    case LOCAL_STATUS:
    case LOCAL_LOGIN:
        return;
    }
}

void verbs_request(void *arg, struct guest *g, const struct local_request *request)
{
    struct client *c = arg;
    if (!may(c, g))
        guest_end(g, CLI_DENIED,
                  "another user of this machine is signed in: they, or root, have to use postern logout first");
    else if (g->verb == LOCAL_STATUS)
        show_status(c, g);
    else if (g->verb == LOCAL_LOGIN)
        sign_in(c, g, request);
    else if (!*c->keep.session || !c->link)
        guest_end(g, CLI_NOT_SIGNED_IN, "nobody is signed in: use postern login");
    else
        signed_in_request(c, g, request);
}

void verbs_gone(void *arg, struct guest *g)
{
    struct client *c = arg;
    call_forget_guest(c, g);
    if (c->signing_in == g)
        c->signing_in = NULL;
}

static size_t count_up(const struct client *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->tunnel.n_sites; i++) {
        const struct wg_peer *peer = realise_peer(c, c->tunnel.sites[i]);
        n += peer && peer->last_handshake_us;
    }
    return n;
}

static const char *phase_text(const struct client *c)
{
    if (!client_session(c))
        return link_connected(c->link) ? "waiting for the session…" : "waiting for the server…";
    for (size_t i = 0; i < c->tunnel.n_sites; i++) {
        const struct tunnel_site *s = c->tunnel.sites[i];
        const struct wg_peer *peer = realise_peer(c, s);
        if (s->now.state == ATTEMPT_ASKING)
            return "asking for access…";
        if (s->now.state == ATTEMPT_WAITING)
            return "waiting for gateway…";
        if (s->now.state == ATTEMPT_NONE)
            return *s->reason ? s->reason : "asking for access…";
        if (!peer || !peer->last_handshake_us)
            return "handshake with gateway…";
    }
    return "setting up…";
}

static void lose_patience(const struct client *c, struct guest *g, size_t n_up)
{
    char why[512] = "";
    for (size_t i = 0; i < c->tunnel.n_sites; i++)
        if (*c->tunnel.sites[i]->reason)
            str_copy(why, sizeof(why), c->tunnel.sites[i]->reason);
    if (*c->problem)
        str_copy(why, sizeof(why), c->problem);
    if (!*why)
        str_copy(why, sizeof(why), phase_text(c));
    guest_end(g, n_up > 0 ? CLI_PARTLY : CLI_UNREACHABLE, "%zu of %zu sites are reached: %s", n_up, c->tunnel.n_sites,
              why);
}

static void progress(struct client *c, struct guest *g, bool done, int64_t now_ms)
{
    size_t n_up = count_up(c);
    if (!*c->keep.session)
        guest_end(g, CLI_NOT_SIGNED_IN, "the session has ended");
    else if (!c->keep.up)
        guest_end(g, CLI_INTERRUPTED, "taken down again");
    else if (done && c->tunnel.n_sites == 0)
        guest_end(g, CLI_OK, "up; no resource may be reached at the moment");
    else if (done)
        guest_end(g, CLI_OK, "up: %zu site%s reached", n_up, n_up == 1 ? "" : "s");
    else if (now_ms >= g->until_ms)
        lose_patience(c, g, n_up);
    else
        guest_tell(g, *c->problem ? c->problem : phase_text(c));
}

static bool waits(const struct guest *g)
{
    return g->asked && !g->finished && g->verb == LOCAL_UP;
}

void verbs_progress(struct client *c)
{
    int64_t now_ms = clock_boot_ms();
    bool done = client_session(c) && c->keep.up && !*c->problem && tunnel_settled(&c->tunnel) &&
                count_up(c) == c->tunnel.n_sites;
    list_for_each_safe (it, &c->control.guests) {
        struct guest *g = container_of(it, struct guest, link);
        if (waits(g))
            progress(c, g, done, now_ms);
    }
}

int64_t verbs_next_ms(const struct client *c)
{
    int64_t next = INT64_MAX;
    list_for_each (it, &c->control.guests) {
        const struct guest *g = container_of(it, struct guest, link);
        if (waits(g))
            next = MIN(next, g->until_ms);
    }
    return next;
}
