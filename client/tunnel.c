/* SPDX-License-Identifier: Apache-2.0 */
#include "client/tunnel.h"
#include "base/str.h"

static void attempt_clear(struct attempt *a)
{
    secret_wipe(a, sizeof(*a));
}

static void site_free(struct tunnel_site *s)
{
    attempt_clear(&s->now);
    attempt_clear(&s->next);
    free(s);
}

void tunnel_done(struct tunnel *t)
{
    for (size_t i = 0; i < t->n_sites; i++)
        site_free(t->sites[i]);
    free(t->sites);
    secret_wipe(t, sizeof(*t));
}

static struct tunnel_site *find(const struct tunnel *t, const char *id)
{
    for (size_t i = 0; i < t->n_sites; i++)
        if (str_eq(t->sites[i]->id, id))
            return t->sites[i];
    return NULL;
}

const struct client_connection *tunnel_connection(const struct tunnel_view *view, const char *id)
{
    for (size_t i = 0; i < view->n_connections; i++)
        if (str_eq(view->connections[i]->id, id))
            return view->connections[i];
    return NULL;
}

static int64_t delay(unsigned failures)
{
    int64_t ms = TUNNEL_RETRY_BASE_MS;
    while (failures-- > 1 && ms < TUNNEL_RETRY_CAP_MS)
        ms *= 2;
    return MIN(ms, (int64_t)TUNNEL_RETRY_CAP_MS);
}

static void set_state(struct attempt *a, enum attempt_state state, int64_t now_ms)
{
    a->state = state;
    a->since_ms = now_ms;
}

static void failed(struct tunnel_site *s, struct attempt *a, const char *reason, int64_t now_ms)
{
    attempt_clear(a);
    s->failures++;
    s->retry_ms = now_ms + delay(s->failures);
    str_copy(s->reason, sizeof(s->reason), reason);
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct tunnel_site *const *)a)->id, (*(struct tunnel_site *const *)b)->id);
}

static struct tunnel_site *add_site(struct tunnel *t, const char *id)
{
    t->sites = reallocarray(t->sites, t->n_sites + 1, sizeof(*t->sites));
    if (!t->sites)
        abort();
    struct tunnel_site *s = t->sites[t->n_sites++] = xalloc(sizeof(*s));
    str_copy(s->id, sizeof(s->id), id);
    qsort(t->sites, t->n_sites, sizeof(*t->sites), by_id);
    return s;
}

void tunnel_restore(struct tunnel *t, const char *site, const char *connection, const struct pair *pair, int64_t now_ms)
{
    struct tunnel_site *s = add_site(t, site);
    set_state(&s->now, ATTEMPT_READY, now_ms);
    str_copy(s->now.connection, sizeof(s->now.connection), connection);
    s->now.pair = *pair;
}

/* Sites follow the wishes: those that nobody may reach any more go, with their keys. */
static void follow_wishes(struct tunnel *t, const struct tunnel_view *v)
{
    for (size_t i = 0; i < t->n_sites; i++)
        t->sites[i]->wanted = false;
    for (size_t i = 0; i < v->n_wishes; i++) {
        if (!find(t, v->wishes[i].site))
            add_site(t, v->wishes[i].site);
        find(t, v->wishes[i].site)->wanted = true;
    }
    size_t kept = 0;
    for (size_t i = 0; i < t->n_sites; i++)
        if (t->sites[i]->wanted)
            t->sites[kept++] = t->sites[i];
        else
            site_free(t->sites[i]);
    t->n_sites = kept;
}

/* What posternd says about a connection overrules what we thought of it. */
static void follow_connection(struct tunnel_site *s, struct attempt *a, const struct tunnel_view *v)
{
    if (a->state != ATTEMPT_WAITING && a->state != ATTEMPT_READY)
        return;
    const struct client_connection *c = tunnel_connection(v, a->connection);
    bool late = v->now_ms - a->since_ms >= TUNNEL_ANSWER_MS;
    if (c && c->phase == CONNECTION_FAILED)
        failed(s, a, c->reason && *c->reason ? c->reason : "The gateway could not take the connection.", v->now_ms);
    else if (a->state == ATTEMPT_READY && (!c || c->phase != CONNECTION_READY))
        failed(s, a, "The connection was ended.", v->now_ms);
    else if (a->state == ATTEMPT_WAITING && late && (!c || c->phase == CONNECTION_PENDING))
        failed(s, a, "The gateway does not answer.", v->now_ms);
}

static bool names(const char *const *list, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i], id))
            return true;
    return false;
}

/* The connection opens less than the person may reach. */
static bool lacks(const struct tunnel_site *s, const struct tunnel_view *v, const struct tunnel_wish *w)
{
    const struct client_connection *c = tunnel_connection(v, s->now.connection);
    for (size_t i = 0; c && i < w->n_resources; i++)
        if (!names(c->resources, c->n_resources, w->resources[i]))
            return true;
    return false;
}

static const struct tunnel_wish *wish_of(const struct tunnel_view *v, const struct tunnel_site *s)
{
    for (size_t i = 0; i < v->n_wishes; i++)
        if (str_eq(v->wishes[i].site, s->id))
            return &v->wishes[i];
    return NULL;
}

static bool should_rotate(const struct tunnel *t, const struct tunnel_view *v)
{
    bool any = false, lacking = false;
    for (size_t i = 0; i < t->n_sites; i++) {
        const struct tunnel_site *s = t->sites[i];
        any |= s->now.state == ATTEMPT_READY;
        lacking |= s->now.state == ATTEMPT_READY && lacks(s, v, wish_of(v, s));
    }
    if (t->rotating || !any || v->now_ms < t->rotate_after_ms)
        return false;
    return lacking || v->now_ms - t->key_made_ms >= TUNNEL_KEY_MS;
}

/* Every site that has something to lose has its new connection, has failed to get one, or took too long. */
static bool rotation_settled(const struct tunnel *t, const struct tunnel_view *v)
{
    for (size_t i = 0; i < t->n_sites; i++) {
        const struct tunnel_site *s = t->sites[i];
        if (s->now.state == ATTEMPT_READY && s->next.state != ATTEMPT_READY)
            return v->now_ms - t->rotating_since_ms >= TUNNEL_ROTATE_MS;
    }
    return true;
}

static bool rotation_won(const struct tunnel *t)
{
    for (size_t i = 0; i < t->n_sites; i++)
        if (t->sites[i]->next.state == ATTEMPT_READY)
            return true;
    return false;
}

/* Changes over, or gives up the next key when nobody answered under it. */
static void end_rotation(struct tunnel *t, const struct tunnel_view *v)
{
    bool won = rotation_won(t), lacking = false;
    for (size_t i = 0; i < t->n_sites; i++) {
        struct tunnel_site *s = t->sites[i];
        if (won) {
            attempt_clear(&s->now);
            s->now = s->next;
        }
        attempt_clear(&s->next);
        lacking |= s->now.state == ATTEMPT_READY && lacks(s, v, wish_of(v, s));
    }
    if (won) {
        t->key = t->next_key;
        t->key_made_ms = t->rotating_since_ms;
    }
    secret_wipe(&t->next_key, sizeof(t->next_key));
    t->rotating = false;
    t->rotations = won && !lacking ? 0 : t->rotations + 1;
    t->rotate_after_ms = v->now_ms + (t->rotations ? delay(t->rotations) : 0);
}

void tunnel_new_key(struct tunnel *t, const struct wg_key *key, int64_t now_ms)
{
    if (wg_key_is_zero(&t->key)) {
        t->key = *key;
        t->key_made_ms = now_ms;
        return;
    }
    t->next_key = *key;
    t->rotating = true;
    t->rotating_since_ms = now_ms;
}

static bool finish(struct tunnel_site *s, struct attempt *a, const struct tunnel_view *v, struct tunnel_todo *todo)
{
    const struct client_connection *c = a->state == ATTEMPT_WAITING ? tunnel_connection(v, a->connection) : NULL;
    if (!c || c->phase != CONNECTION_READY)
        return false;
    *todo =
        (struct tunnel_todo){.step = TUNNEL_FINISH, .site = s, .attempt = a, .wish = wish_of(v, s), .connection = c};
    return true;
}

/* A connection to the site that we have lost the keys of (taken down, another daemon): the new one takes its place, for
 * two peers cannot have one inner address. */
static const char *forgotten(const struct tunnel_view *v, const struct tunnel_site *s)
{
    const char *latest = NULL; /* ids are ordered by time */
    for (size_t i = 0; i < v->n_connections; i++) {
        const struct client_connection *c = v->connections[i];
        if (str_eq(c->site, s->id) && c->phase != CONNECTION_FAILED && (!latest || strcmp(c->id, latest) > 0))
            latest = c->id;
    }
    return latest;
}

static bool ask(struct tunnel *t, struct tunnel_site *s, const struct tunnel_view *v, struct tunnel_todo *todo)
{
    bool next = t->rotating && s->now.state == ATTEMPT_READY && s->next.state == ATTEMPT_NONE;
    bool first = s->now.state == ATTEMPT_NONE && !t->rotating;
    if ((!next && !first) || v->now_ms < s->retry_ms)
        return false;
    *todo = (struct tunnel_todo){.step = TUNNEL_ASK,
                                 .site = s,
                                 .attempt = next ? &s->next : &s->now,
                                 .wish = wish_of(v, s),
                                 .replaces = next ? s->now.connection : forgotten(v, s),
                                 .key = next ? &t->next_key : &t->key};
    set_state(todo->attempt, ATTEMPT_ASKING, v->now_ms);
    return true;
}

struct tunnel_todo tunnel_look(struct tunnel *t, const struct tunnel_view *view)
{
    struct tunnel_todo todo = {.step = TUNNEL_IDLE};
    follow_wishes(t, view);
    for (size_t i = 0; i < t->n_sites; i++) {
        follow_connection(t->sites[i], &t->sites[i]->now, view);
        follow_connection(t->sites[i], &t->sites[i]->next, view);
    }
    for (size_t i = 0; i < t->n_sites; i++)
        if (finish(t->sites[i], &t->sites[i]->now, view, &todo) || finish(t->sites[i], &t->sites[i]->next, view, &todo))
            return todo;
    if (t->rotating && rotation_settled(t, view))
        end_rotation(t, view);
    if ((wg_key_is_zero(&t->key) && t->n_sites > 0) || should_rotate(t, view)) {
        todo.step = TUNNEL_KEY;
        return todo;
    }
    for (size_t i = 0; i < t->n_sites; i++)
        if (ask(t, t->sites[i], view, &todo))
            return todo;
    return todo;
}

void tunnel_asked(struct tunnel *t, const char *site, bool next, const char *connection, const char *reason,
                  int64_t now_ms)
{
    struct tunnel_site *s = find(t, site);
    struct attempt *a = !s ? NULL : next ? &s->next : &s->now;
    if (!a || a->state != ATTEMPT_ASKING)
        return;
    if (!connection) {
        failed(s, a, reason, now_ms);
        return;
    }
    str_copy(a->connection, sizeof(a->connection), connection);
    set_state(a, ATTEMPT_WAITING, now_ms);
}

void tunnel_finished(struct tunnel *t, const struct tunnel_todo *todo, const char *wrong, int64_t now_ms)
{
    if (wrong) {
        failed(todo->site, todo->attempt, wrong, now_ms);
        return;
    }
    set_state(todo->attempt, ATTEMPT_READY, now_ms);
    todo->site->failures = 0;
    todo->site->reason[0] = '\0';
}

static int64_t attempt_next_ms(const struct attempt *a)
{
    return a->state == ATTEMPT_WAITING ? a->since_ms + TUNNEL_ANSWER_MS : INT64_MAX;
}

int64_t tunnel_next_ms(const struct tunnel *t, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    bool ready = false;
    for (size_t i = 0; i < t->n_sites; i++) {
        const struct tunnel_site *s = t->sites[i];
        ready |= s->now.state == ATTEMPT_READY;
        next = MIN(next, MIN(attempt_next_ms(&s->now), attempt_next_ms(&s->next)));
        if (s->retry_ms > now_ms)
            next = MIN(next, s->retry_ms);
    }
    if (t->rotating)
        next = MIN(next, t->rotating_since_ms + TUNNEL_ROTATE_MS);
    else if (t->rotate_after_ms > now_ms)
        next = MIN(next, t->rotate_after_ms);
    else if (ready)
        next = MIN(next, t->key_made_ms + TUNNEL_KEY_MS);
    return next;
}

bool tunnel_settled(const struct tunnel *t)
{
    for (size_t i = 0; i < t->n_sites; i++)
        if (t->sites[i]->now.state != ATTEMPT_READY)
            return false;
    return !t->rotating;
}
