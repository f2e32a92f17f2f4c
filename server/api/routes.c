/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The routes of the REST API. Everything that may be asked of posternd by people and programs is in this table. */
#include "server/api/routes.h"
#include "server/api/crud.h"
#include "server/api/hooks.h"

#define READ(path, rec, name)                                               \
    ROUTE("GET", path, ALLOW_AUDITOR, crud_list, NULL, &rec, "List " name), \
        ROUTE("GET", path "/{id}", ALLOW_AUDITOR, crud_get, NULL, &rec, "Read one of the " name)
#define CREATE(path, rec, name) ROUTE("POST", path, ALLOW_ADMIN, crud_create, &rec, &rec, "Add to the " name)
#define PATCH(path, rec, name) \
    ROUTE("PATCH", path "/{id}", ALLOW_ADMIN, crud_patch, &rec, &rec, "Change one of the " name)
#define DELETE(path, name) \
    ROUTE("DELETE", path "/{id}", ALLOW_ADMIN, crud_delete, NULL, NULL, "Delete one of the " name)
#define CRUD(path, rec, name) READ(path, rec, name), CREATE(path, rec, name), PATCH(path, rec, name), DELETE(path, name)

const struct route api_routes[] = {
    CRUD("/api/v1/sites", site_rec, "sites"),
    CRUD("/api/v1/gateways", gateway_rec, "gateways"),
    ROUTE("POST", "/api/v1/gateways/{id}/enrolment", ALLOW_ADMIN, gateway_enrolment, NULL, &enrolment_rec,
          "Make a one-time enrolment string for the gateway; an earlier one ends"),
    CRUD("/api/v1/resources", resource_rec, "resources"),
    CRUD("/api/v1/people", person_rec, "people"),
    ROUTE("POST", "/api/v1/people/{id}/password", ALLOW_ADMIN, person_password, &new_password_rec, NULL,
          "Set the person's local password and end their sign-ins"),
    CRUD("/api/v1/groups", people_group_rec, "groups"),
    READ("/api/v1/memberships", membership_rec, "memberships"),
    CREATE("/api/v1/memberships", membership_rec, "memberships"),
    DELETE("/api/v1/memberships", "memberships"),
    READ("/api/v1/devices", device_rec, "devices"),
    PATCH("/api/v1/devices", device_rec, "devices"),
    DELETE("/api/v1/devices", "devices"),
    ROUTE("POST", "/api/v1/devices/{id}/block", ALLOW_ADMIN, device_block, NULL, &device_rec,
          "Take all access from the device"),
    ROUTE("POST", "/api/v1/devices/{id}/unblock", ALLOW_ADMIN, device_unblock, NULL, &device_rec,
          "Let the device ask for access again"),
    CRUD("/api/v1/policies", policy_rec, "policies"),
    READ("/api/v1/tokens", token_rec, "tokens"),
    ROUTE("POST", "/api/v1/tokens", ALLOW_AUDITOR, crud_create, &token_rec, &token_rec,
          "Make a token that acts for you; its secret is shown only here"),
    ROUTE("PATCH", "/api/v1/tokens/{id}", ALLOW_AUDITOR, crud_patch, &token_rec, &token_rec, "Rename a token"),
    ROUTE("DELETE", "/api/v1/tokens/{id}", ALLOW_AUDITOR, crud_delete, NULL, NULL, "End a token"),
    READ("/api/v1/decisions", decision_rec, "decisions, newest first"),
    READ("/api/v1/audit-events", audit_event_rec, "audit events, newest first"),

    ROUTE("POST", "/api/v1/sign-in", ALLOW_ANYONE, sign_in_post, &sign_in_rec, &signed_in_rec,
          "Sign in with a local account"),
    ROUTE("POST", "/api/v1/sign-out", ALLOW_MEMBER, sign_out_post, NULL, NULL, "End this sign-in"),
    ROUTE("POST", "/api/v1/setup", ALLOW_ANYONE, setup_post, &setup_rec, &signed_in_rec,
          "Make the first administrator with the set-up token"),
    ROUTE("GET", "/api/v1/me", ALLOW_MEMBER, me_get, NULL, &person_rec, "Who is asking"),
    ROUTE("GET", "/api/v1/openapi.json", ALLOW_ANYONE, openapi_get, NULL, NULL, "This description"),
    ROUTE("GET", "/api/v1/problems/{code}", ALLOW_ANYONE, problem_get, NULL, NULL, "What a problem's code means"),
    ROUTE("GET", "/.well-known/postern-configuration", ALLOW_ANYONE, configuration_get, NULL, &configuration_rec,
          "Where things are on this server"),
    ROUTE("GET", "/livez", ALLOW_ANYONE, livez_get, NULL, NULL, "Whether the process runs"),
    ROUTE("GET", "/readyz", ALLOW_ANYONE, readyz_get, NULL, &readiness_rec, "Whether requests can be served; ?verbose"),
};
const size_t n_api_routes = ARRAY_LEN(api_routes);
