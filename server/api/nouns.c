/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The nouns as data. */
#include "base/str.h"
#include "server/api/hooks.h"
#include "server/store/sql.h"

#define NO_WRITES                                                                                 \
    .sql_lock = SQL_NONE, .sql_insert = SQL_NONE, .sql_update = SQL_NONE, .sql_delete = SQL_NONE, \
    .sql_referrers = SQL_NONE

static const struct noun site = {
    .kind = "site",
    .path = "/api/v1/sites",
    .prefix = "sit",
    .rec = &site_rec,
    .name_field = "name",
    .sql_get = SQL_SITE_GET,
    .sql_lock = SQL_SITE_LOCK,
    .sql_list = SQL_SITE_LIST,
    .sql_insert = SQL_SITE_INSERT,
    .sql_update = SQL_SITE_UPDATE,
    .sql_delete = SQL_SITE_DELETE,
    .sql_referrers = SQL_SITE_REFERRERS,
    .filters = {"name"},
};
static const struct noun gateway = {
    .kind = "gateway",
    .path = "/api/v1/gateways",
    .prefix = "gwy",
    .rec = &gateway_rec,
    .name_field = "name",
    .sql_get = SQL_GATEWAY_GET,
    .sql_lock = SQL_GATEWAY_LOCK,
    .sql_list = SQL_GATEWAY_LIST,
    .sql_insert = SQL_GATEWAY_INSERT,
    .sql_update = SQL_GATEWAY_UPDATE,
    .sql_delete = SQL_GATEWAY_DELETE,
    .sql_referrers = SQL_NONE,
    .filters = {"name", "site_id"},
};
static const struct noun resource = {
    .kind = "resource",
    .path = "/api/v1/resources",
    .prefix = "res",
    .rec = &resource_rec,
    .name_field = "name",
    .sql_get = SQL_RESOURCE_GET,
    .sql_lock = SQL_RESOURCE_LOCK,
    .sql_list = SQL_RESOURCE_LIST,
    .sql_insert = SQL_RESOURCE_INSERT,
    .sql_update = SQL_RESOURCE_UPDATE,
    .sql_delete = SQL_RESOURCE_DELETE,
    .sql_referrers = SQL_RESOURCE_REFERRERS,
    .filters = {"name", "site_id"},
    .check = resource_hook_check,
};
static const struct noun person = {
    .kind = "person",
    .path = "/api/v1/people",
    .prefix = "per",
    .rec = &person_rec,
    .name_field = "email",
    .sql_get = SQL_PERSON_GET,
    .sql_lock = SQL_PERSON_LOCK,
    .sql_list = SQL_PERSON_LIST,
    .sql_insert = SQL_PERSON_INSERT,
    .sql_update = SQL_PERSON_UPDATE,
    .sql_delete = SQL_PERSON_DELETE,
    .sql_referrers = SQL_NONE,
    .filters = {"email", "name"},
    .check = person_hook_check,
    .guard = person_hook_guard,
};
static const struct noun group = {
    .kind = "group",
    .path = "/api/v1/groups",
    .prefix = "grp",
    .rec = &people_group_rec,
    .name_field = "name",
    .sql_get = SQL_PEOPLE_GROUP_GET,
    .sql_lock = SQL_PEOPLE_GROUP_LOCK,
    .sql_list = SQL_PEOPLE_GROUP_LIST,
    .sql_insert = SQL_PEOPLE_GROUP_INSERT,
    .sql_update = SQL_PEOPLE_GROUP_UPDATE,
    .sql_delete = SQL_PEOPLE_GROUP_DELETE,
    .sql_referrers = SQL_PEOPLE_GROUP_REFERRERS,
    .filters = {"name"},
};
static const struct noun membership = {
    .kind = "membership",
    .path = "/api/v1/memberships",
    .taken = "this person is in the group already",
    .prefix = "mem",
    .rec = &membership_rec,
    .sql_get = SQL_MEMBERSHIP_GET,
    .sql_lock = SQL_MEMBERSHIP_LOCK,
    .sql_list = SQL_MEMBERSHIP_LIST,
    .sql_insert = SQL_MEMBERSHIP_INSERT,
    .sql_update = SQL_NONE,
    .sql_delete = SQL_MEMBERSHIP_DELETE,
    .sql_referrers = SQL_NONE,
    .filters = {"group_id", "person_id"},
};
static const struct noun device = {
    .kind = "device",
    .path = "/api/v1/devices",
    .prefix = "dev",
    .rec = &device_rec,
    .name_field = "name",
    .sql_get = SQL_DEVICE_GET,
    .sql_lock = SQL_DEVICE_LOCK,
    .sql_list = SQL_DEVICE_LIST,
    .sql_insert = SQL_NONE,
    .sql_update = SQL_DEVICE_UPDATE,
    .sql_delete = SQL_DEVICE_DELETE,
    .sql_referrers = SQL_NONE,
    .filters = {"name", "person_id"},
};
static const struct noun policy = {
    .kind = "policy",
    .path = "/api/v1/policies",
    .prefix = "pol",
    .rec = &policy_rec,
    .name_field = "name",
    .sql_get = SQL_POLICY_GET,
    .sql_lock = SQL_POLICY_LOCK,
    .sql_list = SQL_POLICY_LIST,
    .sql_insert = SQL_POLICY_INSERT,
    .sql_update = SQL_POLICY_UPDATE,
    .sql_delete = SQL_POLICY_DELETE,
    .sql_referrers = SQL_NONE,
    .filters = {"name", "group_id", "resource_id"},
};
static const struct noun token = {
    .kind = "token",
    .path = "/api/v1/tokens",
    .prefix = "tok",
    .rec = &token_rec,
    .name_field = "name",
    .sql_get = SQL_TOKEN_GET,
    .sql_lock = SQL_TOKEN_LOCK,
    .sql_list = SQL_TOKEN_LIST,
    .sql_insert = SQL_NONE,
    .sql_update = SQL_TOKEN_UPDATE,
    .sql_delete = SQL_TOKEN_DELETE,
    .sql_referrers = SQL_NONE,
    .filters = {"name", "person_id"},
    .check = token_hook_check,
    .guard = token_hook_guard,
    .insert = token_hook_insert,
    .created = token_hook_created,
};
static const struct noun decision = {
    .kind = "decision",
    .path = "/api/v1/decisions",
    .prefix = "dec",
    .rec = &decision_rec,
    .sql_get = SQL_DECISION_GET,
    .sql_list = SQL_DECISION_LIST,
    .filters = {"person_id", "device_id", "resource_id", "gateway_id"},
    NO_WRITES,
};
static const struct noun audit_event = {
    .kind = "audit event",
    .path = "/api/v1/audit-events",
    .prefix = "aud",
    .rec = &audit_event_rec,
    .sql_get = SQL_AUDIT_EVENT_GET,
    .sql_list = SQL_AUDIT_EVENT_LIST,
    .filters = {"object_id", "actor"},
    NO_WRITES,
};

const struct noun *const nouns[] = {&site,   &gateway, &resource, &person,   &group,       &membership,
                                    &device, &policy,  &token,    &decision, &audit_event, NULL};

const struct noun *noun_of(const char *pattern)
{
    for (const struct noun *const *n = nouns; *n; n++) {
        size_t len = strlen((*n)->path);
        if (str_starts(pattern, (*n)->path) && (!pattern[len] || pattern[len] == '/'))
            return *n;
    }
    return NULL;
}

static const void *field(const struct noun *noun, const void *object, const char *name)
{
    return (const char *)object + rec_find(noun->rec, name)->off;
}

const char *noun_id(const struct noun *noun, const void *object)
{
    return *(const char *const *)field(noun, object, "id");
}

void noun_set_id(const struct noun *noun, void *object, const char *id)
{
    *(const char **)(void *)((char *)object + rec_find(noun->rec, "id")->off) = id;
}

int64_t noun_revision(const struct noun *noun, const void *object)
{
    return rec_find(noun->rec, "revision") ? *(const int64_t *)field(noun, object, "revision") : 0;
}

const char *noun_name(const struct noun *noun, const void *object)
{
    return noun->name_field ? *(const char *const *)field(noun, object, noun->name_field) : noun_id(noun, object);
}
