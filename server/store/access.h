/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Row records of the broker's statements: what it decides from, and sessions, connections and leases. */
#pragma once
#include "proto/agent.h"
#include "proto/nouns.h"
#include "server/domain/lease.h"

#define ACCESS_ID(F, name, doc)   F(STR, name, 0, 0, 64, NULL, doc)
#define ACCESS_TEXT(F, name, doc) F(STR, name, 0, 0, 8192, NULL, doc)

#define WORLD_ID_FIELDS(F) ACCESS_ID(F, id, "Group")
REC_STRUCT(world_id, WORLD_ID_FIELDS)

#define WORLD_PERSON_FIELDS(F)       \
    ACCESS_ID(F, id, "Person")       \
    ACCESS_TEXT(F, email, "Address") \
    F(BOOL, enabled, 0, 0, 0, NULL, "Whether enabled")
REC_STRUCT(world_person, WORLD_PERSON_FIELDS)

#define WORLD_MEMBER_FIELDS(F)      \
    ACCESS_ID(F, group_id, "Group") \
    ACCESS_ID(F, person_id, "Who belongs to it")
REC_STRUCT(world_member, WORLD_MEMBER_FIELDS)

#define WORLD_DEVICE_FIELDS(F)       \
    ACCESS_ID(F, id, "Device")       \
    ACCESS_ID(F, person_id, "Whose") \
    ACCESS_TEXT(F, name, "Name")     \
    F(BOOL, blocked, 0, 0, 0, NULL, "Whether blocked")
REC_STRUCT(world_device, WORLD_DEVICE_FIELDS)

#define WORLD_SITE_FIELDS(F) \
    ACCESS_ID(F, id, "Site") \
    ACCESS_TEXT(F, name, "Name")
REC_STRUCT(world_site, WORLD_SITE_FIELDS)

#define REC_OF_ports port_range
#define WORLD_RESOURCE_FIELDS(F)                   \
    ACCESS_ID(F, id, "Resource")                   \
    ACCESS_TEXT(F, name, "Name")                   \
    ACCESS_ID(F, site_id, "Its site")              \
    F(STRS, addresses, 0, 0, 64, NULL, "Prefixes") \
    F(LIST, ports, 0, 0, 64, &port_range_rec, "Ports")
REC_STRUCT(world_resource, WORLD_RESOURCE_FIELDS)
#undef REC_OF_ports

#define WORLD_POLICY_FIELDS(F)                                 \
    ACCESS_ID(F, id, "Policy")                                 \
    F(ENUM, effect, 0, 0, 0, effect_names, "permit or forbid") \
    ACCESS_ID(F, group_id, "Who")                              \
    ACCESS_ID(F, resource_id, "What")
REC_STRUCT(world_policy, WORLD_POLICY_FIELDS)

#define WORLD_GATEWAY_FIELDS(F)                                                  \
    ACCESS_ID(F, id, "Gateway")                                                  \
    ACCESS_TEXT(F, name, "Name")                                                 \
    ACCESS_ID(F, site_id, "Its site")                                            \
    ACCESS_TEXT(F, endpoint, "Where clients reach it, as an administrator said") \
    F(BYTES, public_key, 0, 0, 32, NULL, "WireGuard key of this boot")           \
    F(INT, listen_port, 0, 0, 65535, NULL, "Its WireGuard port")                 \
    ACCESS_TEXT(F, address, "Where its stream comes from")
REC_STRUCT(world_gateway, WORLD_GATEWAY_FIELDS)

#define ID_ROW_FIELDS(F) ACCESS_ID(F, id, "Object")
REC_STRUCT(id_row, ID_ROW_FIELDS)
#define SLOT_ROW_FIELDS(F) F(INT, slot, 0, 0, INT64_MAX, NULL, "Taken slot")
REC_STRUCT(slot_row, SLOT_ROW_FIELDS)
#define COUNTER_ROW_FIELDS(F) F(INT, n, 0, 0, INT64_MAX, NULL, "Number")
REC_STRUCT(counter_row, COUNTER_ROW_FIELDS)

#define SESSION_ROW_FIELDS(F)                           \
    ACCESS_ID(F, id, "Session")                         \
    ACCESS_ID(F, device_id, "Its device")               \
    ACCESS_ID(F, person_id, "Who is signed in")         \
    ACCESS_TEXT(F, email, "Their address")              \
    ACCESS_TEXT(F, inner_v4, "Inner address")           \
    ACCESS_TEXT(F, inner_v6, "Inner address")           \
    F(TIME, expires_at, 0, 0, 0, NULL, "When it ends")  \
    F(BOOL, ended, 0, 0, 0, NULL, "Whether it is over") \
    ACCESS_ID(F, end_reason, "Why")
REC_STRUCT(session_row, SESSION_ROW_FIELDS)

#define CONNECTION_ROW_FIELDS(F)                                \
    ACCESS_ID(F, id, "Connection")                              \
    ACCESS_ID(F, session_id, "Its session")                     \
    ACCESS_ID(F, site_id, "Its site")                           \
    ACCESS_ID(F, gateway_id, "Its gateway")                     \
    F(ENUM, state, 0, 0, 0, link_state_names, "How far it is")  \
    ACCESS_TEXT(F, reason, "Why it failed")                     \
    F(BYTES, client_hello, 0, 0, 1024, NULL, "H_c")             \
    F(BYTES, client_signature, 0, 0, 128, NULL, "Over H_c")     \
    ACCESS_TEXT(F, client_certificate, "Whose key signed H_c")  \
    F(BYTES, gateway_hello, 0, 0, 1024, NULL, "H_g")            \
    F(BYTES, gateway_signature, 0, 0, 128, NULL, "Over H_g")    \
    ACCESS_TEXT(F, gateway_certificate, "Whose key signed H_g") \
    ACCESS_ID(F, replaces, "Connection that gives way to it")   \
    F(TIME, ended_at, 0, 0, 0, NULL, "When it failed")
REC_STRUCT(connection_row, CONNECTION_ROW_FIELDS)

#define CONNECTION_HEAD_FIELDS(F)                              \
    ACCESS_ID(F, id, "Connection")                             \
    ACCESS_ID(F, session_id, "Its session")                    \
    ACCESS_ID(F, gateway_id, "Its gateway")                    \
    F(ENUM, state, 0, 0, 0, link_state_names, "How far it is") \
    F(BYTES, client_hello, 0, 0, 1024, NULL, "H_c")            \
    F(BYTES, gateway_hello, 0, 0, 1024, NULL, "H_g")           \
    ACCESS_ID(F, replaces, "Connection that gives way to it")
REC_STRUCT(connection_head, CONNECTION_HEAD_FIELDS)

#define LEASE_ROW_FIELDS(F)                                       \
    ACCESS_ID(F, id, "Lease")                                     \
    ACCESS_ID(F, connection_id, "Its connection")                 \
    ACCESS_ID(F, session_id, "Its session")                       \
    ACCESS_ID(F, resource_id, "What it opens")                    \
    ACCESS_ID(F, decision_id, "Decision that it rests on")        \
    F(ENUM, state, 0, 0, 0, lease_state_names, "How far it is")   \
    F(TIME, valid_until, 0, 0, 0, NULL, "When it ends by itself") \
    ACCESS_ID(F, end_reason, "Why it ended")
REC_STRUCT(lease_row, LEASE_ROW_FIELDS)

#define LEASE_HEAD_FIELDS(F)                   \
    ACCESS_ID(F, id, "Lease")                  \
    ACCESS_ID(F, resource_id, "What it opens") \
    ACCESS_ID(F, session_id, "Its session")    \
    ACCESS_ID(F, person_id, "Whose")           \
    ACCESS_ID(F, device_id, "On which device") \
    ACCESS_ID(F, gateway_id, "At which gateway")
REC_STRUCT(lease_head, LEASE_HEAD_FIELDS)

#define AGENT_ROW_FIELDS(F)                                                   \
    ACCESS_ID(F, gateway_id, "Gateway that holds the certificate")            \
    ACCESS_ID(F, device_id, "Device that holds it")                           \
    ACCESS_TEXT(F, name, "Name of either")                                    \
    ACCESS_ID(F, person_id, "Whose device")                                   \
    F(BOOL, blocked, 0, 0, 0, NULL, "Whether the device is blocked")          \
    F(BOOL, expired, 0, 0, 0, NULL, "Whether the certificate's time is over") \
    ACCESS_ID(F, session_id, "Live session")                                  \
    ACCESS_TEXT(F, email, "Address of the person")
REC_STRUCT(agent_row, AGENT_ROW_FIELDS)

#define CERTIFICATE_ROW_FIELDS(F) ACCESS_TEXT(F, pem, "Certificate")
REC_STRUCT(certificate_row, CERTIFICATE_ROW_FIELDS)

#define ENROLMENT_ROW_FIELDS(F)                         \
    ACCESS_ID(F, gateway_id, "Gateway that it is for")  \
    ACCESS_TEXT(F, gateway_name, "Its name")            \
    F(BOOL, used, 0, 0, 0, NULL, "Whether it was used") \
    F(BOOL, expired, 0, 0, 0, NULL, "Whether its time is over")
REC_STRUCT(enrolment_row, ENROLMENT_ROW_FIELDS)
