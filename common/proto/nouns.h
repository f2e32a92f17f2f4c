/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nouns of the REST API as records: what an administrator reads and writes, shared by server, command
 * line and tests. Decoded strings and lists live in the arena that was given to the decoder.
 */
#pragma once
#include "record/record.h"

extern const struct rec_format noun_text;     /* free text: no control characters but line feeds */
extern const struct rec_format noun_password; /* any characters but control characters */
extern const struct rec_format noun_scope;    /* "*:read", "policies:write" */

/* Values of the ENUM fields; the first one is what an absent field means. */
enum protocol { PROTOCOL_ANY, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP };
enum role { ROLE_MEMBER, ROLE_AUDITOR, ROLE_ADMIN };
enum effect { EFFECT_PERMIT, EFFECT_FORBID };
enum verdict { VERDICT_DENY, VERDICT_ALLOW };
enum decision_kind { DECISION_GRANT, DECISION_DENY, DECISION_REVOKE, DECISION_PACKETS };
extern const char *const protocol_names[], *const role_names[], *const effect_names[], *const verdict_names[],
                                                                                           *const decision_kind_names[],
                                                                                               *const pdp_names[];

#define NOUN_ID(F)                    F(STR, id, REC_READONLY, 0, 31, &rec_id, "Identifier; ordered by time of creation")
#define NOUN_REF(F, name, flags, doc) F(STR, name, flags, 0, 31, &rec_id, doc)
#define NOUN_NAME(F)                  F(STR, name, REC_REQUIRED, 1, 64, &rec_name, "Unique name")
#define NOUN_TEXT(F)                  F(STR, description, 0, 0, 500, &noun_text, "What it is for, in your words")
#define NOUN_REVISION(F) \
    F(INT, revision, REC_READONLY, 0, 9007199254740991, NULL, "Changes with each write; the object's ETag")
#define NOUN_TIMES(F)                                                 \
    F(TIME, created_at, REC_READONLY, 0, 0, NULL, "When it was made") \
    F(TIME, updated_at, REC_READONLY, 0, 0, NULL, "When it was last changed")

/* A place with resources behind it, served by its gateways. */
#define SITE_FIELDS(F) \
    NOUN_ID(F)         \
    NOUN_NAME(F)       \
    NOUN_TEXT(F)       \
    NOUN_REVISION(F)   \
    NOUN_TIMES(F)
REC_STRUCT(site, SITE_FIELDS)

/* A host that lets people into a site. */
#define GATEWAY_FIELDS(F)                                                                           \
    NOUN_ID(F)                                                                                      \
    NOUN_NAME(F)                                                                                    \
    NOUN_REF(F, site_id, REC_REQUIRED | REC_IMMUTABLE, "Site that it serves")                       \
    F(STR, endpoint, 0, 0, 64, &rec_endpoint, "Address and UDP port at which clients reach it")     \
    F(BOOL, enrolled, REC_READONLY, 0, 0, NULL, "Whether an agent has taken this place")            \
    F(BOOL, online, REC_READONLY, 0, 0, NULL, "Whether its agent reported lately")                  \
    F(STR, version, REC_READONLY, 0, 64, NULL, "Version that the agent reported")                   \
    F(BYTES, public_key, REC_READONLY, 32, 32, NULL, "WireGuard public key of this boot")           \
    F(STR, fingerprint, REC_READONLY, 0, 64, NULL, "SHA-256 of the newest certificate, in hex")     \
    F(STR, applied_revision, REC_READONLY, 0, 64, NULL, "Newest state that the agent has realised") \
    F(TIME, enrolled_at, REC_READONLY, 0, 0, NULL, "When the agent enrolled")                       \
    F(TIME, last_seen_at, REC_READONLY, 0, 0, NULL, "Last report of the agent")                     \
    NOUN_REVISION(F)                                                                                \
    NOUN_TIMES(F)
REC_STRUCT(gateway, GATEWAY_FIELDS)

/* first = last = 0 means every port of the protocol; only tcp and udp have ports. */
#define PORT_RANGE_FIELDS(F)                                            \
    F(ENUM, protocol, 0, 0, 0, protocol_names, "any, tcp, udp or icmp") \
    F(INT, first, 0, 0, 65535, NULL, "First port; 0 = all ports")       \
    F(INT, last, 0, 0, 65535, NULL, "Last port; when not given, the first")
REC_STRUCT(port_range, PORT_RANGE_FIELDS)

/* What policies give access to. */
#define REC_OF_ports port_range
#define RESOURCE_FIELDS(F)                                                                      \
    NOUN_ID(F)                                                                                  \
    NOUN_NAME(F)                                                                                \
    NOUN_TEXT(F)                                                                                \
    NOUN_REF(F, site_id, REC_REQUIRED | REC_IMMUTABLE, "Site through which it is reached")      \
    F(STRS, addresses, REC_REQUIRED, 1, 64, &rec_prefix, "IPv4 and IPv6 addresses or prefixes") \
    F(LIST, ports, 0, 0, 64, &port_range_rec, "Protocols and ports; none listed = all")         \
    NOUN_REVISION(F)                                                                            \
    NOUN_TIMES(F)
REC_STRUCT(resource, RESOURCE_FIELDS)
#undef REC_OF_ports

#define PERSON_FIELDS(F)                                                                                           \
    NOUN_ID(F)                                                                                                     \
    F(STR, email, REC_REQUIRED, 3, 254, &rec_email, "Unique address; kept in lower case")                          \
    F(STR, name, REC_REQUIRED, 1, 64, &rec_name, "Name for people to read")                                        \
    F(ENUM, role, 0, 0, 0, role_names, "member: uses resources; auditor: also reads all; admin: also changes all") \
    F(BOOL, enabled, REC_DEFAULT_TRUE, 0, 0, NULL, "A disabled person has no access anywhere")                     \
    F(BOOL, has_password, REC_READONLY, 0, 0, NULL, "Whether sign-in with a local password is possible")           \
    F(TIME, last_sign_in_at, REC_READONLY, 0, 0, NULL, "Last successful sign-in")                                  \
    NOUN_REVISION(F)                                                                                               \
    NOUN_TIMES(F)
REC_STRUCT(person, PERSON_FIELDS)

/* `struct group` belongs to <grp.h>. */
#define PEOPLE_GROUP_FIELDS(F) \
    NOUN_ID(F)                 \
    NOUN_NAME(F)               \
    NOUN_TEXT(F)               \
    NOUN_REVISION(F)           \
    NOUN_TIMES(F)
REC_STRUCT(people_group, PEOPLE_GROUP_FIELDS)

#define MEMBERSHIP_FIELDS(F)                                                         \
    NOUN_ID(F)                                                                       \
    NOUN_REF(F, group_id, REC_REQUIRED | REC_IMMUTABLE, "Group")                     \
    NOUN_REF(F, person_id, REC_REQUIRED | REC_IMMUTABLE, "Person who belongs to it") \
    NOUN_REVISION(F)                                                                 \
    NOUN_TIMES(F)
REC_STRUCT(membership, MEMBERSHIP_FIELDS)

/* Enrolled by its person; an admin may rename, block and delete it. */
#define DEVICE_FIELDS(F)                                                                                          \
    NOUN_ID(F)                                                                                                    \
    F(STR, name, REC_REQUIRED, 1, 64, &rec_name, "Name of the device; not unique")                                \
    NOUN_REF(F, person_id, REC_READONLY, "Person who enrolled it")                                                \
    F(STR, os, REC_READONLY, 0, 64, NULL, "Operating system that the agent reported")                             \
    F(STR, version, REC_READONLY, 0, 64, NULL, "Version that the agent reported")                                 \
    F(STR, fingerprint, REC_READONLY, 0, 64, NULL, "SHA-256 of the newest certificate, in hex")                   \
    F(BOOL, blocked, REC_READONLY, 0, 0, NULL, "A blocked device has no access; see its block and unblock verbs") \
    F(TIME, last_seen_at, REC_READONLY, 0, 0, NULL, "Last request of its agent")                                  \
    NOUN_REVISION(F)                                                                                              \
    NOUN_TIMES(F)
REC_STRUCT(device, DEVICE_FIELDS)

#define POLICY_FIELDS(F)                                                                      \
    NOUN_ID(F)                                                                                \
    NOUN_NAME(F)                                                                              \
    NOUN_TEXT(F)                                                                              \
    F(ENUM, effect, REC_REQUIRED, 0, 0, effect_names, "permit, or forbid, which always wins") \
    NOUN_REF(F, group_id, REC_REQUIRED, "Whose access it rules")                              \
    NOUN_REF(F, resource_id, REC_REQUIRED, "Access to what")                                  \
    F(BOOL, enabled, REC_DEFAULT_TRUE, 0, 0, NULL, "A disabled policy says nothing")          \
    NOUN_REVISION(F)                                                                          \
    NOUN_TIMES(F)
REC_STRUCT(policy, POLICY_FIELDS)

/* A bearer token for automation; acts for its owner, never above the owner's role. */
#define TOKEN_FIELDS(F)                                                                                              \
    NOUN_ID(F)                                                                                                       \
    NOUN_NAME(F)                                                                                                     \
    NOUN_REF(F, person_id, REC_READONLY, "Owner: who created it")                                                    \
    F(ENUM, role, REC_IMMUTABLE, 0, 0, role_names, "Most that it may do, within the owner's role")                   \
    F(STRS, scopes, REC_IMMUTABLE, 0, 32, &noun_scope, "noun:read or noun:write, * for all; none = all of the role") \
    F(TIME, expires_at, REC_REQUIRED | REC_IMMUTABLE, 0, 0, NULL, "When it ends; at most a year ahead")              \
    F(TIME, last_used_at, REC_READONLY, 0, 0, NULL, "Last use, to the minute")                                       \
    F(STR, secret, REC_READONLY | REC_SECRET | REC_OMIT_EMPTY, 0, 128, NULL,                                         \
      "The token itself; only in the answer to its creation")                                                        \
    NOUN_REVISION(F)                                                                                                 \
    NOUN_TIMES(F)
REC_STRUCT(token, TOKEN_FIELDS)

/* One line per grant, denial, revocation, or heap of denied packets; on disk before a grant opens. */
#define DECISION_FIELDS(F)                                                                                         \
    NOUN_ID(F)                                                                                                     \
    F(TIME, at, REC_READONLY, 0, 0, NULL, "When it was decided")                                                   \
    F(ENUM, kind, REC_READONLY, 0, 0, decision_kind_names, "grant, deny, revoke, or packets refused by a gateway") \
    F(ENUM, verdict, REC_READONLY, 0, 0, verdict_names, "deny or allow")                                           \
    F(STR, reason, REC_READONLY, 0, 500, NULL, "Why, for administrators")                                          \
    NOUN_REF(F, person_id, REC_READONLY, "Who asked")                                                              \
    NOUN_REF(F, device_id, REC_READONLY, "With which device")                                                      \
    NOUN_REF(F, resource_id, REC_READONLY, "For what")                                                             \
    NOUN_REF(F, gateway_id, REC_READONLY, "At which gateway")                                                      \
    NOUN_REF(F, lease_id, REC_READONLY, "Lease that it opened or ended")                                           \
    F(STRS, policies, REC_READONLY, 0, 64, &rec_id, "Policies that determined it")                                 \
    F(TIME, valid_until, REC_READONLY, 0, 0, NULL, "How long it holds at most")                                    \
    F(ENUM, protocol, REC_READONLY, 0, 0, protocol_names, "Of the refused packets")                                \
    F(STR, destination, REC_READONLY, 0, 64, NULL, "Address of the refused packets")                               \
    F(INT, port, REC_READONLY, 0, 65535, NULL, "Destination port of the refused packets")                          \
    F(INT, packets, REC_READONLY, 0, 9007199254740991, NULL, "How many packets were refused")                      \
    NOUN_REF(F, session_id, REC_READONLY, "In which session")                                                      \
    F(ENUM, pdp, REC_READONLY, 0, 0, pdp_names, "Where it was decided: central or gateway")                        \
    F(STR, code, REC_READONLY, 0, 64, NULL, "Stable name of the reason")                                           \
    F(STR, world, REC_READONLY, 0, 64, NULL, "Revision of the state that it was made from")                        \
    F(INT, eval_ns, REC_READONLY, 0, 9007199254740991, NULL, "Time that the decision took, in nanoseconds")
REC_STRUCT(decision, DECISION_FIELDS)

#define AUDIT_CHANGE_FIELDS(F)                                                                          \
    F(STR, field, REC_READONLY, 0, 64, NULL, "Field of the object")                                     \
    F(STR, before, REC_READONLY, 0, 65536, NULL, "Its value before, as text; null when there was none") \
    F(STR, after, REC_READONLY, 0, 65536, NULL, "Its value after; secrets are shown as ***")
REC_STRUCT(audit_change, AUDIT_CHANGE_FIELDS)

#define REC_OF_changes audit_change
#define AUDIT_EVENT_FIELDS(F)                                                                  \
    NOUN_ID(F)                                                                                 \
    F(TIME, at, REC_READONLY, 0, 0, NULL, "When it happened")                                  \
    F(STR, action, REC_READONLY, 0, 64, NULL, "create, update, delete, block, sign-in, ...")   \
    F(STR, kind, REC_READONLY, 0, 32, NULL, "Kind of the object")                              \
    F(STR, object_id, REC_READONLY, 0, 31, &rec_id, "Object")                                  \
    F(STR, object_name, REC_READONLY, 0, 254, NULL, "Name of the object at that time")         \
    F(STR, actor, REC_READONLY, 0, 31, NULL, "Person, gateway or device; empty = this server") \
    F(STR, actor_name, REC_READONLY, 0, 254, NULL, "Name of the actor at that time")           \
    F(STR, token_id, REC_READONLY, 0, 31, &rec_id, "Token or session that was used")           \
    F(STR, address, REC_READONLY, 0, 64, NULL, "Where the request came from")                  \
    F(STR, request_id, REC_READONLY, 0, 64, NULL, "X-Request-Id of the request")               \
    F(LIST, changes, REC_READONLY, 0, 128, &audit_change_rec, "What was changed")
REC_STRUCT(audit_event, AUDIT_EVENT_FIELDS)
#undef REC_OF_changes

/* POST /api/v1/gateways/{id}/enrolment */
#define ENROLMENT_FIELDS(F)                                          \
    NOUN_ID(F)                                                       \
    NOUN_REF(F, gateway_id, REC_READONLY, "Gateway that it is for")  \
    F(STR, enrolment, REC_READONLY | REC_SECRET, 0, 4096, NULL,      \
      "One-time text for `postern-gateway enroll`; shown only here") \
    F(TIME, expires_at, REC_READONLY, 0, 0, NULL, "When it ends; a newer one replaces it at once")
REC_STRUCT(enrolment, ENROLMENT_FIELDS)

#define SIGN_IN_FIELDS(F)                                                     \
    F(STR, email, REC_REQUIRED, 1, 254, &noun_text, "Address of the account") \
    F(STR, password, REC_REQUIRED | REC_SECRET, 1, 1024, &noun_password, "Password")
REC_STRUCT(sign_in, SIGN_IN_FIELDS)

#define SIGNED_IN_FIELDS(F)                                                                                 \
    F(STR, token, REC_READONLY | REC_SECRET, 0, 128, NULL, "Bearer token of this session; shown only here") \
    F(TIME, expires_at, REC_READONLY, 0, 0, NULL, "When the session ends")                                  \
    NOUN_REF(F, person_id, REC_READONLY, "Who signed in")                                                   \
    F(STR, email, REC_READONLY, 0, 254, NULL, "Address of the account")                                     \
    F(STR, name, REC_READONLY, 0, 64, NULL, "Name of the person")                                           \
    F(ENUM, role, REC_READONLY, 0, 0, role_names, "What the person may do")
REC_STRUCT(signed_in, SIGNED_IN_FIELDS)

/* POST /api/v1/setup: the first administrator, against the token that the server wrote at its first start. */
#define SETUP_FIELDS(F)                                                                       \
    F(STR, token, REC_REQUIRED | REC_SECRET, 1, 128, &noun_text, "The one-time set-up token") \
    F(STR, email, REC_REQUIRED, 3, 254, &rec_email, "Address of the administrator")           \
    F(STR, name, REC_REQUIRED, 1, 64, &rec_name, "Name of the administrator")                 \
    F(STR, password, REC_REQUIRED | REC_SECRET, 12, 1024, &noun_password, "Password, at least 12 bytes")
REC_STRUCT(setup, SETUP_FIELDS)

/* POST /api/v1/people/{id}/password */
#define NEW_PASSWORD_FIELDS(F) \
    F(STR, password, REC_REQUIRED | REC_SECRET, 12, 1024, &noun_password, "Password, at least 12 bytes")
REC_STRUCT(new_password, NEW_PASSWORD_FIELDS)

/* GET /.well-known/postern-configuration */
#define CONFIGURATION_FIELDS(F)                                                          \
    F(STR, organisation, REC_READONLY, 0, 31, &rec_id, "Identifier of the organisation") \
    F(STR, version, REC_READONLY, 0, 32, NULL, "Version of the server")                  \
    F(STR, api_url, REC_READONLY, 0, 300, NULL, "Where the REST API is")                 \
    F(STR, openapi_url, REC_READONLY, 0, 300, NULL, "Its description")                   \
    F(STR, agents_url, REC_READONLY, 0, 300, NULL, "Where enrolled agents connect")      \
    F(STRS, sign_in_methods, REC_READONLY, 0, 8, NULL, "Ways to sign in")
REC_STRUCT(configuration, CONFIGURATION_FIELDS)

/* GET /readyz?verbose */
#define READY_CHECK_FIELDS(F)                                     \
    F(STR, name, REC_READONLY, 0, 64, NULL, "What was looked at") \
    F(BOOL, ok, REC_READONLY, 0, 0, NULL, "Whether it is well")   \
    F(STR, detail, REC_READONLY, 0, 200, NULL, "More about it")
REC_STRUCT(ready_check, READY_CHECK_FIELDS)
#define REC_OF_checks ready_check
#define READINESS_FIELDS(F)                                                    \
    F(BOOL, ready, REC_READONLY, 0, 0, NULL, "Whether requests can be served") \
    F(LIST, checks, REC_READONLY | REC_OMIT_EMPTY, 0, 16, &ready_check_rec, "Each check, with ?verbose")
REC_STRUCT(readiness, READINESS_FIELDS)
#undef REC_OF_checks

/* RFC 9457. */
#define PROBLEM_ERROR_FIELDS(F)                                                    \
    F(STR, pointer, REC_READONLY, 0, 128, NULL, "Where in the request (RFC 6901)") \
    F(STR, detail, REC_READONLY, 0, 128, NULL, "What is wrong there")
REC_STRUCT(problem_error, PROBLEM_ERROR_FIELDS)

#define REC_OF_errors problem_error
#define PROBLEM_FIELDS(F)                                                     \
    F(STR, type, REC_READONLY, 0, 200, NULL, "Page that explains the code")   \
    F(STR, title, REC_READONLY, 0, 100, NULL, "The code in words")            \
    F(INT, status, REC_READONLY, 400, 599, NULL, "HTTP status")               \
    F(STR, code, REC_READONLY, 0, 64, NULL, "Stable name of the problem")     \
    F(STR, detail, REC_READONLY, 0, 1000, NULL, "This case in words")         \
    F(STR, instance, REC_READONLY, 0, 64, NULL, "Request id")                 \
    F(LIST, errors, REC_READONLY | REC_OMIT_EMPTY, 0, 16, &problem_error_rec, \
      "What is wrong in the request, and where")                              \
    F(JSON, current, REC_READONLY | REC_OMIT_EMPTY, 0, 0, NULL, "The object as it is now (412)")
REC_STRUCT(problem, PROBLEM_FIELDS)
#undef REC_OF_errors

/* What field syntax alone cannot say about a resource: ports belong to tcp and udp, first <= last. Sets a
 * `last` that was not given. */
void resource_check(struct resource *r, struct rec_errors *errors);
