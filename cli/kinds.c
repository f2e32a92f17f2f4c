/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/kinds.h"
#include "base/str.h"
#include "cli/output.h"

#define LIST(...)         \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

const struct kind kinds[] = {
    {"sites", "site", "sit", &site_rec, "name", LIST("name", "description"), LIST("id", "updated_at"), NULL},
    {"gateways", "gateway", "gwy", &gateway_rec, "name",
     LIST("name", "site_id", "endpoint", "enrolled", "online", "version", "last_seen_at"),
     LIST("id", "public_key", "applied_revision"), NULL},
    {"resources", "resource", "res", &resource_rec, "name", LIST("name", "site_id", "addresses", "ports"),
     LIST("id", "description", "updated_at"), NULL},
    {"people", "person", "per", &person_rec, "email", LIST("email", "name", "role", "enabled", "last_sign_in_at"),
     LIST("id", "has_password", "created_at"), NULL},
    {"groups", "group", "grp", &people_group_rec, "name", LIST("name", "description"), LIST("id", "updated_at"), NULL},
    {"memberships", "membership", "mem", &membership_rec, NULL, LIST("id", "group_id", "person_id"), LIST("created_at"),
     NULL},
    {"devices", "device", "dev", &device_rec, "name", LIST("name", "person_id", "os", "blocked", "last_seen_at"),
     LIST("id", "version", "fingerprint"), NULL},
    {"policies", "policy", "pol", &policy_rec, "name", LIST("name", "effect", "group_id", "resource_id", "enabled"),
     LIST("id", "description", "updated_at"), LIST("effect", "group", "resource")},
    {"tokens", "token", "tok", &token_rec, "name",
     LIST("name", "person_id", "role", "scopes", "expires_at", "last_used_at"), LIST("id", "created_at"), NULL},
    {"decisions", "decision", "dec", &decision_rec, NULL,
     LIST("at", "kind", "verdict", "person_id", "resource_id", "reason"),
     LIST("device_id", "gateway_id", "protocol", "destination", "port", "packets", "id"), NULL},
    {"audit-events", "audit-event", "aud", &audit_event_rec, NULL,
     LIST("at", "actor_name", "action", "kind", "object_name", "address"), LIST("object_id", "request_id", "id"), NULL},
    {0},
};

const char *const kind_words[] = {"sites",   "gateways", "resources", "people",    "groups",       "memberships",
                                  "devices", "policies", "tokens",    "decisions", "audit-events", NULL};

const struct kind *kind_find(const char *word)
{
    for (const struct kind *k = kinds; k->plural; k++)
        if (str_eq(k->plural, word) || str_eq(k->singular, word))
            return k;
    return NULL;
}

const struct kind *kind_referred(const struct rec_field *f)
{
    size_t n = strlen(f->name);
    if (f->type != REC_STR || !str_ends(f->name, "_id"))
        return NULL;
    for (const struct kind *k = kinds; k->plural; k++)
        if (strlen(k->singular) == n - 3 && str_starts(f->name, k->singular))
            return k;
    return NULL;
}

const char *kind_text(const struct rec *r, const void *item, const char *field, struct buf *out)
{
    const struct rec_field *f = field ? rec_find(r, field) : NULL;
    buf_reset(out);
    if (f)
        cli_cell(f, item, out);
    return buf_str(out);
}
