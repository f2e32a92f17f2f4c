/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/event.h"
#include "agent/line.h"

/* A line may grow when it is decoded: pointers for the elements of lists. */
enum { EVENT_MEMORY_MAX = 8 * EVENT_LINE_MAX };

static const struct event_kind gateway_kinds[] = {
    [KIND_SITE] = {"site", &site_state_rec, &line_site_rec},
    [KIND_CLASS] = {"class", &class_state_rec, &line_class_rec},
    [KIND_GATEWAY_CONNECTION] = {"connection", &gateway_connection_rec, &line_gateway_connection_rec},
    [KIND_GRANT] = {"grant", &grant_state_rec, &line_grant_rec},
};
static const struct event_kind client_kinds[] = {
    [KIND_SESSION] = {"session", &session_state_rec, &line_session_rec},
    [KIND_RESOURCE] = {"resource", &resource_state_rec, &line_resource_rec},
    [KIND_CLIENT_CONNECTION] = {"connection", &client_connection_rec, &line_client_connection_rec},
};
const struct event_role gateway_role = {"gateway", gateway_kinds, ARRAY_LEN(gateway_kinds)};
const struct event_role client_role = {"client", client_kinds, ARRAY_LEN(client_kinds)};

static const struct event_kind renewal_kind = {"renewal", &renewal_state_rec, &line_renewal_rec};

static enum event_type type_of(const char *name)
{
    static const char *const names[] = {
        [EVENT_ADDED] = "added",       [EVENT_MODIFIED] = "modified", [EVENT_DELETED] = "deleted",
        [EVENT_BOOKMARK] = "bookmark", [EVENT_RENEWAL] = "renewal",   [EVENT_ERROR] = "error"};
    for (size_t i = EVENT_ADDED; i < ARRAY_LEN(names); i++)
        if (str_eq(names[i], name))
            return (enum event_type)i;
    return EVENT_IGNORED;
}

static bool find_kind(const struct event_role *role, const char *name, unsigned *kind)
{
    for (unsigned i = 0; name && i < role->n_kinds; i++)
        if (str_eq(role->kinds[i].name, name)) {
            *kind = i;
            return true;
        }
    return false;
}

/* Decodes the whole line again, now that its kind is known, and finds its item. */
static int decode_item(const struct event_kind *kind, const char *line, size_t len, struct event *e)
{
    struct rec_errors errors = {0};
    char *whole = arena_alloc(&e->memory, kind->line->size);
    if (!whole || rec_decode(kind->line, REC_AGENT, line, len, &e->memory, whole, &errors))
        return -EBADMSG;
    memcpy(&e->item, whole + rec_find(kind->line, "item")->off, sizeof(e->item));
    return e->item ? 0 : -EBADMSG;
}

static int fill(const struct event_role *role, const char *line, size_t len, struct event *e)
{
    struct line_head head;
    struct rec_errors errors = {0};
    if (rec_decode(&line_head_rec, REC_AGENT, line, len, &e->memory, &head, &errors))
        return -EBADMSG;
    e->type = type_of(head.type);
    e->at_ms = head.at_ms;
    e->id = head.id ? head.id : "";
    e->revision = head.revision ? head.revision : "";
    e->reason = head.reason;
    e->initial_end = head.initial_end;
    switch (e->type) {
    case EVENT_ADDED:
    case EVENT_MODIFIED:
    case EVENT_DELETED:
        if (!find_kind(role, head.kind, &e->kind)) {
            e->type = EVENT_IGNORED;
            return 0;
        }
        if (!*e->id)
            return -EBADMSG;
        return e->type == EVENT_DELETED ? 0 : decode_item(&role->kinds[e->kind], line, len, e);
    case EVENT_RENEWAL:
        return decode_item(&renewal_kind, line, len, e);
    default:
        return 0;
    }
}

int event_parse(const struct event_role *role, const char *line, size_t len, struct event *out)
{
    *out = (struct event){.id = "", .revision = ""};
    if (len > EVENT_LINE_MAX)
        return -EBADMSG;
    arena_init(&out->memory, EVENT_MEMORY_MAX);
    int r = fill(role, line, len, out);
    if (r)
        event_done(out);
    return r;
}

void event_done(struct event *e)
{
    arena_done(&e->memory);
}

int64_t event_until_ms(const struct event_kind *kind, const void *item, int64_t started_ms, int64_t at_ms)
{
    const struct rec_field *f = rec_find(kind->item, "valid_for_ms");
    int64_t valid, until;
    if (!f)
        return INT64_MAX;
    memcpy(&valid, (const char *)item + f->off, sizeof(valid));
    if (!valid && !(f->flags & REC_REQUIRED))
        return INT64_MAX;
    if (__builtin_add_overflow(started_ms, at_ms, &until) || __builtin_add_overflow(until, valid, &until))
        return INT64_MAX;
    return until;
}
