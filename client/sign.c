/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in and out; the first time the device is enrolled on the way. */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "client/daemon.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { SESSION_SHOWN_MS = 30000 };

/* Enrolment blocks: it has a thread of its own and comes back by loop_post(). */
struct enrolment {
    struct loop_task task;
    struct client *client;
    char *dir, *url, *pin, *email;
    struct secret password;
    int result;
    char why[ENROL_WHY_MAX];
};

static void enrolment_free(struct enrolment *e)
{
    free(e->dir);
    free(e->url);
    free(e->pin);
    free(e->email);
    secret_done(&e->password);
    free(e);
}

static void end_sign_in(struct client *c, int exit, const char *text)
{
    struct guest *g = c->signing_in;
    c->signing_in = NULL;
    c->busy = false;
    if (g)
        guest_end(g, exit, "%s", text);
}

static void begin_session(struct client *c, const struct session_state *s, uid_t owner)
{
    client_forget(c);
    str_copy(c->keep.session, sizeof(c->keep.session), s->id);
    str_copy(c->keep.email, sizeof(c->keep.email), s->email);
    c->keep.owner = owner;
    c->session_due_ms = clock_boot_ms() + SESSION_SHOWN_MS;
    log_info("%s is signed in (%s)", s->email, s->id);
    client_apply(c);
}

static void on_signed_out(struct client *c, struct guest *g, const char *about, const struct http_answer *answer)
{
    if (g && (answer->error || answer->status >= 500))
        guest_end(g, CLI_PARTLY, "signed out here; the server could not be told and ends the session by itself");
    else if (g)
        guest_end(g, CLI_OK, "signed out");
}

/* A person who has left before the answer came is not signed in: nobody would own the session. */
static void on_signed_in(struct client *c, struct guest *g, const char *about, const struct http_answer *answer)
{
    struct arena arena;
    struct session_state s;
    struct rec_errors errors = {0};
    c->signing_in = NULL;
    c->busy = false;
    if (answer->error || answer->status / 100 != 2) {
        call_failed(g, answer);
        return;
    }
    if (!g) {
        call_start(c, NULL, "", "POST", "/sign-out", NULL, NULL, on_signed_out);
        return;
    }
    arena_init(&arena, 64 * 1024);
    if (rec_decode(&session_state_rec, REC_AGENT, answer->body, answer->len, &arena, &s, &errors)) {
        guest_end(g, CLI_FAILURE, "the server's answer is not understood: is it of another version?");
    } else {
        begin_session(c, &s, g->uid);
        guest_end(g, CLI_OK, "signed in as %s", s.email);
    }
    arena_done(&arena);
}

static void ask_session(struct client *c, const char *email, const char *password)
{
    struct agent_sign_in in = {.email = email, .password = password};
    if (c->signing_in)
        guest_tell(c->signing_in, "signing in…");
    call_start(c, c->signing_in, "", "POST", "/sign-in", &agent_sign_in_rec, &in, on_signed_in);
}

static void on_enrolled(struct loop_task *task)
{
    struct enrolment *e = container_of(task, struct enrolment, task);
    struct client *c = e->client;
    int r = e->result && e->result != -EEXIST ? e->result : identity_open(&c->identity, c->settings.state_dir);
    if (r == 0) {
        c->enrolled = true;
        log_info("this device is enrolled as %s", c->identity.id);
        client_link(c);
        ask_session(c, e->email, (const char *)e->password.p);
    } else {
        bool away = r == -ECONNREFUSED || r == -EHOSTUNREACH || r == -ETIMEDOUT || r == -EAGAIN;
        end_sign_in(c,
                    r == -EACCES ? CLI_NOT_SIGNED_IN
                    : away       ? CLI_UNREACHABLE
                                 : CLI_FAILURE,
                    *e->why ? e->why : strerror(-r));
    }
    enrolment_free(e);
}

static void *enrol(void *arg)
{
    struct enrolment *e = arg;
    char host[65] = "", os[sizeof(struct utsname)] = "";
    struct utsname u;
    gethostname(host, sizeof(host) - 1);
    if (uname(&u) == 0)
        snprintf(os, sizeof(os), "%.32s %.80s", u.sysname, u.release);
    struct enroll_request request = {.kind = AGENT_DEVICE,
                                     .email = e->email,
                                     .password = (const char *)e->password.p,
                                     .name = host,
                                     .os = os,
                                     .version = POSTERN_VERSION};
    struct enrolment_plan plan = {.dir = e->dir, .url = e->url, .pin = e->pin, .from = &request};
    e->result = identity_enrol(&plan, e->why);
    loop_post(e->client->loop, &e->task);
    return NULL;
}

static void start_enrolment(struct client *c, const struct local_request *r)
{
    struct enrolment *e = xalloc(sizeof(*e));
    pthread_t thread;
    e->client = c;
    e->task.run = on_enrolled;
    e->dir = str_dup(c->settings.state_dir);
    e->url = str_dup(r->server);
    e->pin = str_dup(r->pin);
    e->email = str_dup(r->email);
    e->password = secret_copy(r->password, strlen(r->password) + 1);
    guest_tell(c->signing_in, "enrolling this device…");
    if (pthread_create(&thread, NULL, enrol, e)) {
        end_sign_in(c, CLI_FAILURE, "no thread for the enrolment");
        enrolment_free(e);
        return;
    }
    pthread_detach(thread);
}

void sign_in(struct client *c, struct guest *g, const struct local_request *r)
{
    if (!r->email || !r->password) {
        guest_end(g, CLI_USAGE, "e-mail address and password are needed");
        return;
    }
    if (c->busy) {
        guest_end(g, CLI_CONFLICT, "somebody is signing in already");
        return;
    }
    if (!c->enrolled && !r->server) {
        guest_end(g, CLI_USAGE,
                  "this device is not enrolled yet: name the server, e.g. postern login https://postern.example:8443");
        return;
    }
    if (c->enrolled && r->server && !str_eq(r->server, c->identity.url)) {
        guest_end(g, CLI_CONFLICT, "this device is enrolled at %s", c->identity.url);
        return;
    }
    c->busy = true;
    c->signing_in = g;
    if (c->enrolled)
        ask_session(c, r->email, r->password);
    else
        start_enrolment(c, r);
}

/* Here at once, whatever the server says. */
void sign_out(struct client *c, struct guest *g)
{
    log_info("%s signs out", c->keep.email);
    client_forget(c);
    client_apply(c);
    call_start(c, g, "", "POST", "/sign-out", NULL, NULL, on_signed_out);
}
