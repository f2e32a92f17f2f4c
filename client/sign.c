/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in and out; the first time the device is enrolled on the way. */
#include "agent/problem.h"
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

/* One sign-in, from the request to its end. Enrolment blocks: it has a thread of its own and comes back by
 * loop_post(). */
struct sign_in {
    struct loop_task task;
    struct client *client;
    char *dir, *url, *pin, *email;
    struct secret password;
    bool anew; /* the server does not honour the enrolment that is there */
    int result;
    char why[ENROL_WHY_MAX];
};

static void free_sign_in(struct client *c)
{
    struct sign_in *s = c->sign_in;
    c->sign_in = NULL;
    c->signing_in = NULL;
    free(s->dir);
    free(s->url);
    free(s->pin);
    free(s->email);
    secret_done(&s->password);
    free(s);
}

static void end_sign_in(struct client *c, int exit, const char *text)
{
    struct guest *g = c->signing_in;
    free_sign_in(c);
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

static void start_enrolment(struct client *c);

/* A device that was deleted, or whose certificate has run out, is enrolled again for whoever signs in. */
static bool enrolment_is_void(const struct http_answer *answer)
{
    return answer->status == 403 &&
           (problem_is(answer, "certificate_unknown") || problem_is(answer, "certificate_expired"));
}

/* A person who has left before the answer came is not signed in: nobody would own the session. */
static void on_signed_in(struct client *c, struct guest *g, const char *about, const struct http_answer *answer)
{
    struct arena arena;
    struct session_state s;
    struct rec_errors errors = {0};
    if (g && !c->sign_in->anew && enrolment_is_void(answer)) {
        c->sign_in->anew = true;
        start_enrolment(c);
        return;
    }
    free_sign_in(c);
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

static void ask_session(struct client *c)
{
    struct agent_sign_in in = {.email = c->sign_in->email, .password = (const char *)c->sign_in->password.p};
    if (c->signing_in)
        guest_tell(c->signing_in, "signing in…");
    call_start(c, c->signing_in, "", "POST", "/sign-in", &agent_sign_in_rec, &in, on_signed_in);
}

static int use_enrolment(struct client *c)
{
    struct identity identity;
    int r = identity_open(&identity, c->settings.state_dir);
    if (r)
        return r;
    if (c->enrolled) {
        client_forget(c);
        client_unlink(c);
    }
    c->identity = identity;
    c->enrolled = true;
    log_info("this device is enrolled as %s", c->identity.id);
    client_link(c);
    return 0;
}

static void on_enrolled(struct loop_task *task)
{
    struct sign_in *s = container_of(task, struct sign_in, task);
    struct client *c = s->client;
    int r = s->result && s->result != -EEXIST ? s->result : use_enrolment(c);
    if (r == 0) {
        ask_session(c);
    } else {
        bool away = r == -ECONNREFUSED || r == -ECONNRESET || r == -EHOSTUNREACH || r == -ETIMEDOUT || r == -EAGAIN ||
                    r == -EKEYREJECTED;
        char why[ENROL_WHY_MAX];
        str_copy(why, sizeof(why), *s->why ? s->why : strerror(-r));
        end_sign_in(c, r == -EACCES ? CLI_NOT_SIGNED_IN : away ? CLI_UNREACHABLE : CLI_FAILURE, why);
    }
}

static void *enrol(void *arg)
{
    struct sign_in *s = arg;
    char host[65] = "", os[sizeof(struct utsname)] = "";
    struct utsname u;
    gethostname(host, sizeof(host) - 1);
    if (uname(&u) == 0)
        snprintf(os, sizeof(os), "%.32s %.80s", u.sysname, u.release);
    struct enroll_request request = {.kind = AGENT_DEVICE,
                                     .email = s->email,
                                     .password = (const char *)s->password.p,
                                     .name = host,
                                     .os = os,
                                     .version = POSTERN_VERSION};
    struct enrolment_plan plan = {.dir = s->dir, .url = s->url, .pin = s->pin, .from = &request, .anew = s->anew};
    s->result = identity_enrol(&plan, s->why);
    loop_post(s->client->loop, &s->task);
    return NULL;
}

static void start_enrolment(struct client *c)
{
    struct sign_in *s = c->sign_in;
    pthread_t thread;
    s->task.run = on_enrolled;
    guest_tell(c->signing_in,
               s->anew ? "the server has no such device any more: enrolling it anew…" : "enrolling this device…");
    if (pthread_create(&thread, NULL, enrol, s))
        end_sign_in(c, CLI_FAILURE, "no thread for the enrolment");
    else
        pthread_detach(thread);
}

static struct sign_in *new_sign_in(struct client *c, const struct local_request *r)
{
    struct sign_in *s = xalloc(sizeof(*s));
    const char *pin = c->enrolled ? c->identity.pin : r->pin;
    s->client = c;
    s->dir = str_dup(c->settings.state_dir);
    s->url = str_dup(c->enrolled ? c->identity.url : r->server);
    s->pin = pin && *pin ? str_dup(pin) : NULL;
    s->email = str_dup(r->email);
    s->password = secret_copy(r->password, strlen(r->password) + 1);
    return s;
}

void sign_in(struct client *c, struct guest *g, const struct local_request *r)
{
    if (!r->email || !r->password) {
        guest_end(g, CLI_USAGE, "e-mail address and password are needed");
        return;
    }
    if (c->sign_in) {
        guest_end(g, CLI_CONFLICT, "somebody is signing in already");
        return;
    }
    if (!c->enrolled && !r->server) {
        guest_end(g, CLI_USAGE,
                  "this device is not enrolled yet: name the server, e.g. postern login https://postern.example:8443");
        return;
    }
    if (c->enrolled && r->server && !str_eq(r->server, c->identity.url)) {
        guest_end(g, CLI_CONFLICT,
                  "this device is enrolled at %s; to enrol it elsewhere, stop the daemon and remove %s",
                  c->identity.url, c->settings.state_dir);
        return;
    }
    c->sign_in = new_sign_in(c, r);
    c->signing_in = g;
    if (c->enrolled)
        ask_session(c);
    else
        start_enrolment(c);
}

/* Here at once, whatever the server says. */
void sign_out(struct client *c, struct guest *g)
{
    log_info("%s signs out", c->keep.email);
    client_forget(c);
    client_apply(c);
    call_start(c, g, "", "POST", "/sign-out", NULL, NULL, on_signed_out);
}
