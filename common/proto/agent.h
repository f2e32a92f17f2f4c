/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent protocol: what gateways and clients say to posternd and what it streams to them, as records. Both sides
 * decode with REC_AGENT (unknown fields are ignored), so fields may be added, never changed or removed.
 * Paths, order of steps and validity arithmetic: docs/protocol/agent.md.
 */
#pragma once
#include "record/record.h"

enum agent_kind { AGENT_GATEWAY, AGENT_DEVICE };
extern const char *const agent_kind_names[]; /* "gateway", "device" */

/* POST /agent/v1/enroll on the people listener: a gateway gives token, a client email and password. */
#define ENROLL_REQUEST_FIELDS(F)                                                                   \
    F(ENUM, kind, REC_REQUIRED, 0, 0, agent_kind_names, "What is enrolled")                        \
    F(STR, token, REC_SECRET | REC_OMIT_EMPTY, 1, 128, NULL, "One-time enrolment token (gateway)") \
    F(STR, email, REC_OMIT_EMPTY, 3, 254, &rec_email, "Who enrols the device")                     \
    F(STR, password, REC_SECRET | REC_OMIT_EMPTY, 1, 1024, NULL, "Password of that person")        \
    F(STR, name, 0, 1, 64, &rec_name, "Name of the device, e.g. its host name")                    \
    F(STR, os, 0, 0, 128, NULL, "Operating system and version")                                    \
    F(STR, version, 0, 0, 32, NULL, "Version of the agent")                                        \
    F(STR, csr, REC_REQUIRED, 64, 8192, NULL, "Certificate signing request, PEM, P-256")
REC_STRUCT(enroll_request, ENROLL_REQUEST_FIELDS)

#define ENROLL_ANSWER_FIELDS(F)                                                                           \
    F(STR, id, REC_REQUIRED, 0, 31, &rec_id, "Identifier of the gateway or device")                       \
    F(STR, organisation, REC_REQUIRED, 0, 31, &rec_id, "Identifier of the organisation (org_…)")          \
    F(STR, certificate, REC_REQUIRED, 64, 8192, NULL, "Device certificate, PEM")                          \
    F(STR, ca, REC_REQUIRED, 64, 8192, NULL, "Device CA certificate, PEM")                                \
    F(BYTES, message_key, REC_REQUIRED, 32, 32, NULL, "Ed25519 public key of posternd's signed messages") \
    F(STR, agents_url, REC_REQUIRED, 8, 512, NULL, "Base URL of the agents' listener")
REC_STRUCT(enroll_answer, ENROLL_ANSWER_FIELDS)

/* POST /agent/v1/certificate */
#define CERTIFICATE_REQUEST_FIELDS(F) \
    F(STR, csr, REC_REQUIRED, 64, 8192, NULL, "Certificate signing request, PEM, P-256")
REC_STRUCT(certificate_request, CERTIFICATE_REQUEST_FIELDS)
#define CERTIFICATE_ANSWER_FIELDS(F) F(STR, certificate, REC_REQUIRED, 64, 8192, NULL, "Device certificate, PEM")
REC_STRUCT(certificate_answer, CERTIFICATE_ANSWER_FIELDS)

/* POST /agent/v1/sign-in (client): ends an earlier session of the same device. */
#define AGENT_SIGN_IN_FIELDS(F)                                     \
    F(STR, email, REC_REQUIRED, 3, 254, &rec_email, "Who signs in") \
    F(STR, password, REC_REQUIRED | REC_SECRET, 1, 1024, NULL, "Password of that person")
REC_STRUCT(agent_sign_in, AGENT_SIGN_IN_FIELDS)

/* Answer of sign-in, and the stream item `session` of a client. Times count from the start of the request. */
#define SESSION_STATE_FIELDS(F)                                                     \
    F(STR, id, REC_REQUIRED, 0, 31, &rec_id, "Identifier of the session")           \
    F(STR, person, REC_REQUIRED, 0, 31, &rec_id, "Identifier of the person")        \
    F(STR, email, REC_REQUIRED, 0, 254, NULL, "The person's e-mail address")        \
    F(STR, inner_v4, REC_REQUIRED, 0, 15, NULL, "Address inside the tunnels, IPv4") \
    F(STR, inner_v6, REC_REQUIRED, 0, 45, NULL, "Address inside the tunnels, IPv6") \
    F(INT, valid_for_ms, REC_REQUIRED, 0, 9007199254740991, NULL, "Milliseconds until the session ends")
REC_STRUCT(session_state, SESSION_STATE_FIELDS)

#define PORT_RANGE_STATE_FIELDS(F)                                      \
    F(STR, protocol, REC_REQUIRED, 1, 8, NULL, "any, tcp, udp or icmp") \
    F(INT, first, 0, 0, 65535, NULL, "First port")                      \
    F(INT, last, 0, 0, 65535, NULL, "Last port")
REC_STRUCT(port_range_state, PORT_RANGE_STATE_FIELDS)

/* Stream item `resource` of a client: something that the person may reach now. */
#define REC_OF_ports port_range_state
#define RESOURCE_STATE_FIELDS(F)                                                   \
    F(STR, id, REC_REQUIRED, 0, 31, &rec_id, "Identifier of the resource")         \
    F(STR, name, REC_REQUIRED, 0, 64, NULL, "Its name")                            \
    F(STR, site, REC_REQUIRED, 0, 31, &rec_id, "Site through which it is reached") \
    F(STRS, prefixes, REC_REQUIRED, 0, 256, NULL, "Addresses in CIDR form")        \
    F(LIST, ports, 0, 0, 256, &port_range_state_rec, "Ports; empty = all")
REC_STRUCT(resource_state, RESOURCE_STATE_FIELDS)
#undef REC_OF_ports

/* POST /agent/v1/connections (client): asks leases on resources of one site. hello = H_c (crypto/psk.h). */
#define CONNECTION_REQUEST_FIELDS(F)                                                            \
    F(STR, site, REC_REQUIRED, 0, 31, &rec_id, "Site of all the resources")                     \
    F(STRS, resources, REC_REQUIRED, 1, 256, &rec_id, "Resources that are asked for")           \
    F(BYTES, hello, REC_REQUIRED, 1, 1024, NULL, "H_c, canonical bytes")                        \
    F(BYTES, signature, REC_REQUIRED, 1, 128, NULL, "ES256 (DER) over hello by the device key") \
    F(STR, replaces, REC_OMIT_EMPTY, 0, 31, &rec_id, "Connection whose session key this one replaces")
REC_STRUCT(connection_request, CONNECTION_REQUEST_FIELDS)

#define REFUSAL_FIELDS(F)                                                       \
    F(STR, resource, REC_REQUIRED, 0, 31, &rec_id, "Resource that was refused") \
    F(STR, reason, REC_REQUIRED, 0, 256, NULL, "Why, in words for its user")
REC_STRUCT(refusal, REFUSAL_FIELDS)

#define REC_OF_refused refusal
#define CONNECTION_ANSWER_FIELDS(F)                                                                             \
    F(STR, id, REC_OMIT_EMPTY, 0, 31, &rec_id, "Identifier of the connection; absent when nothing was granted") \
    F(STR, gateway, REC_OMIT_EMPTY, 0, 31, &rec_id, "Gateway that was chosen")                                  \
    F(STRS, granted, 0, 0, 256, NULL, "Resources that were granted")                                            \
    F(LIST, refused, 0, 0, 256, &refusal_rec, "Resources that were refused")
REC_STRUCT(connection_answer, CONNECTION_ANSWER_FIELDS)
#undef REC_OF_refused

enum connection_phase { CONNECTION_PENDING, CONNECTION_READY, CONNECTION_FAILED };
extern const char *const connection_phase_names[]; /* "pending", "ready", "failed" */

/* Stream item `connection` of a client; from `ready` on it carries what the key derivation needs. */
#define CLIENT_CONNECTION_FIELDS(F)                                                                         \
    F(STR, id, REC_REQUIRED, 0, 31, &rec_id, "Identifier of the connection")                                \
    F(STR, site, REC_REQUIRED, 0, 31, &rec_id, "Its site")                                                  \
    F(STR, gateway, REC_REQUIRED, 0, 31, &rec_id, "Its gateway")                                            \
    F(ENUM, phase, REC_REQUIRED, 0, 0, connection_phase_names, "How far it is")                             \
    F(STR, endpoint, REC_OMIT_EMPTY, 0, 64, &rec_endpoint, "Where the gateway's WireGuard port is reached") \
    F(BYTES, hello, REC_OMIT_EMPTY, 1, 1024, NULL, "H_g, canonical bytes")                                  \
    F(BYTES, signature, REC_OMIT_EMPTY, 1, 128, NULL, "ES256 (DER) over H_g by the gateway's key")          \
    F(STR, certificate, REC_OMIT_EMPTY, 64, 8192, NULL, "The gateway's certificate, PEM")                   \
    F(BYTES, r, REC_OMIT_EMPTY | REC_SECRET, 32, 32, NULL, "posternd's contribution to the pair's key")     \
    F(STRS, resources, 0, 0, 256, NULL, "Resources that it may reach now (live leases)")                    \
    F(STR, reason, REC_OMIT_EMPTY, 0, 256, NULL, "Why it failed, for people")                               \
    F(INT, valid_for_ms, 0, 0, 9007199254740991, NULL,                                                      \
      "Milliseconds until the last of its leases must have been renewed or ends")
REC_STRUCT(client_connection, CLIENT_CONNECTION_FIELDS)

/* Stream item `site` of a gateway: one, its own. */
#define SITE_STATE_FIELDS(F)                                                                \
    F(STR, id, REC_REQUIRED, 0, 31, &rec_id, "Identifier of the site")                      \
    F(STR, name, REC_REQUIRED, 0, 64, NULL, "Its name")                                     \
    F(STR, gateway, REC_REQUIRED, 0, 31, &rec_id, "This gateway")                           \
    F(STR, pool_v4, REC_REQUIRED, 0, 18, NULL, "Pool of the devices' inner IPv4 addresses") \
    F(STR, pool_v6, REC_REQUIRED, 0, 49, NULL, "Pool of the devices' inner IPv6 addresses")
REC_STRUCT(site_state, SITE_STATE_FIELDS)

#define BOX_STATE_FIELDS(F)                                                             \
    F(STR, prefix, REC_REQUIRED, 0, 49, NULL, "Addresses in CIDR form")                 \
    F(INT, protocol_first, 0, 0, 255, NULL, "First IP protocol number")                 \
    F(INT, protocol_last, 0, 0, 255, NULL, "Last IP protocol number")                   \
    F(INT, port_first, 0, 0, 65535, NULL, "First port (0 for protocols without ports)") \
    F(INT, port_last, 0, 0, 65535, NULL, "Last port (65535 for protocols without ports)")
REC_STRUCT(box_state, BOX_STATE_FIELDS)

/* Stream item `class` of a gateway: disjoint boxes that the same resources cover. The id is a hash of the content. */
#define REC_OF_boxes box_state
#define CLASS_STATE_FIELDS(F)                                    \
    F(STR, id, REC_REQUIRED, 0, 64, NULL, "Hash of the content") \
    F(LIST, boxes, REC_REQUIRED, 0, 65536, &box_state_rec, "Disjoint boxes")
REC_STRUCT(class_state, CLASS_STATE_FIELDS)
#undef REC_OF_boxes

/* Stream item `connection` of a gateway: a peer to install. */
#define GATEWAY_CONNECTION_FIELDS(F)                                                          \
    F(STR, id, REC_REQUIRED, 0, 31, &rec_id, "Identifier of the connection")                  \
    F(STR, session, REC_REQUIRED, 0, 31, &rec_id, "Its session")                              \
    F(STR, device, REC_REQUIRED, 0, 31, &rec_id, "Its device")                                \
    F(STR, person, REC_REQUIRED, 0, 31, &rec_id, "Its person")                                \
    F(STR, label, 0, 0, 254, NULL, "Who, for the gateway's operator (e-mail / device name)")  \
    F(BYTES, hello, REC_REQUIRED, 1, 1024, NULL, "H_c, canonical bytes")                      \
    F(BYTES, signature, REC_REQUIRED, 1, 128, NULL, "ES256 (DER) over H_c by the device key") \
    F(STR, certificate, REC_REQUIRED, 64, 8192, NULL, "The device's certificate, PEM")        \
    F(BYTES, r, REC_OMIT_EMPTY | REC_SECRET, 32, 32, NULL,                                    \
      "posternd's contribution; absent once the gateway has accepted")                        \
    F(STR, inner_v4, REC_REQUIRED, 0, 15, NULL, "Inner IPv4 address of the peer")             \
    F(STR, inner_v6, REC_REQUIRED, 0, 45, NULL, "Inner IPv6 address of the peer")             \
    F(STR, replaces, REC_OMIT_EMPTY, 0, 31, &rec_id, "Connection whose inner address moves here")
REC_STRUCT(gateway_connection, GATEWAY_CONNECTION_FIELDS)

/* Stream item `grant` of a gateway: one lease. */
#define GRANT_STATE_FIELDS(F)                                                               \
    F(STR, id, REC_REQUIRED, 0, 31, &rec_id, "Identifier of the lease")                     \
    F(STR, connection, REC_REQUIRED, 0, 31, &rec_id, "Its connection")                      \
    F(STR, person, REC_REQUIRED, 0, 31, &rec_id, "Its person")                              \
    F(STR, resource, REC_REQUIRED, 0, 31, &rec_id, "The resource that was asked for")       \
    F(STR, inner_v4, REC_REQUIRED, 0, 15, NULL, "Inner IPv4 address that the grant is for") \
    F(STR, inner_v6, REC_REQUIRED, 0, 45, NULL, "Inner IPv6 address that the grant is for") \
    F(STRS, classes, REC_REQUIRED, 0, 65536, NULL, "Ids of the classes that it opens")      \
    F(STR, decision, REC_REQUIRED, 0, 31, &rec_id, "Decision that it rests on")             \
    F(INT, valid_for_ms, REC_REQUIRED, 0, 9007199254740991, NULL,                           \
      "Milliseconds until the decision stops to hold by itself")
REC_STRUCT(grant_state, GRANT_STATE_FIELDS)

/* POST /agent/v1/connections/{id}/accept and …/fail (gateway) */
#define ACCEPT_REQUEST_FIELDS(F)                                         \
    F(BYTES, hello, REC_REQUIRED, 1, 1024, NULL, "H_g, canonical bytes") \
    F(BYTES, signature, REC_REQUIRED, 1, 128, NULL, "ES256 (DER) over hello by the gateway's key")
REC_STRUCT(accept_request, ACCEPT_REQUEST_FIELDS)
#define FAIL_REQUEST_FIELDS(F) F(STR, reason, REC_REQUIRED, 1, 256, NULL, "What went wrong, for people")
REC_STRUCT(fail_request, FAIL_REQUEST_FIELDS)

/* POST /agent/v1/why (client): resource is a name or an id. */
#define WHY_REQUEST_FIELDS(F) F(STR, resource, REC_REQUIRED, 1, 64, NULL, "Name or id of a resource")
REC_STRUCT(why_request, WHY_REQUEST_FIELDS)
enum why_effect { WHY_DENY, WHY_PERMIT };
extern const char *const why_effect_names[]; /* "deny", "permit" */
#define WHY_ANSWER_FIELDS(F)                                                      \
    F(STR, resource, REC_REQUIRED, 0, 64, NULL, "As it was asked")                \
    F(ENUM, effect, REC_REQUIRED, 0, 0, why_effect_names, "What policy says now") \
    F(STR, code, REC_REQUIRED, 0, 64, NULL, "Stable reason code")                 \
    F(STR, reason, REC_REQUIRED, 0, 256, NULL, "Why, in words for its user")
REC_STRUCT(why_answer, WHY_ANSWER_FIELDS)

/* PUT /agent/v1/status */
#define CONDITION_FIELDS(F)                                                                \
    F(STR, type, REC_REQUIRED, 1, 64, NULL, "e.g. EngineReady, RulesApplied, ClockSteady") \
    F(BOOL, status, REC_REQUIRED, 0, 0, NULL, "Whether it holds")                          \
    F(STR, reason, 0, 0, 64, NULL, "Stable word")                                          \
    F(STR, message, 0, 0, 256, NULL, "For people")                                         \
    F(TIME, since, 0, 0, 0, NULL, "Since when")
REC_STRUCT(condition, CONDITION_FIELDS)
#define REC_OF_conditions condition
#define STATUS_REPORT_FIELDS(F)                                                                     \
    F(STR, version, 0, 0, 32, NULL, "Version of the agent")                                         \
    F(STR, boot, 0, 0, 64, NULL, "Identifier of the agent host's boot")                             \
    F(STR, applied_revision, 0, 0, 64, NULL, "Revision up to which the state is in force")          \
    F(BYTES, wireguard_key, REC_OMIT_EMPTY, 32, 32, NULL, "Gateway: its WireGuard public key")      \
    F(INT, listen_port, 0, 0, 65535, NULL, "Gateway: its WireGuard port")                           \
    F(INT, denied_packets, 0, 0, 9007199254740991, NULL, "Gateway: packets refused since its boot") \
    F(LIST, conditions, 0, 0, 32, &condition_rec, "What holds and what does not")                   \
    F(BOOL, leaving, 0, 0, 0, NULL, "Goodbye: the agent stops now")
REC_STRUCT(status_report, STATUS_REPORT_FIELDS)
#undef REC_OF_conditions

/* POST /agent/v1/reports (gateway): packets without a grant, aggregated. */
#define DENIED_FLOW_FIELDS(F)                                                     \
    F(STR, inner, REC_REQUIRED, 2, 45, &rec_address, "Inner source address")      \
    F(STR, destination, REC_REQUIRED, 2, 45, &rec_address, "Destination address") \
    F(INT, protocol, 0, 0, 255, NULL, "IP protocol number")                       \
    F(INT, port, 0, 0, 65535, NULL, "Destination port")                           \
    F(INT, packets, 0, 0, 9007199254740991, NULL, "How many since the last report")
REC_STRUCT(denied_flow, DENIED_FLOW_FIELDS)
#define REC_OF_items denied_flow
#define REPORT_BATCH_FIELDS(F)                                                                                      \
    F(STR, boot, REC_REQUIRED, 1, 64, NULL, "Identifier of the agent host's boot")                                  \
    F(INT, seq, REC_REQUIRED, 0, 9007199254740991, NULL, "Number of this batch within the boot, for deduplication") \
    F(LIST, items, REC_REQUIRED, 0, 1024, &denied_flow_rec, "Denied flows")
REC_STRUCT(report_batch, REPORT_BATCH_FIELDS)
#undef REC_OF_items

/* The signed message that keeps a gateway's grants alive; canonical bytes in crypto/message.h. */
#define RENEWAL_STATE_FIELDS(F)                                                                      \
    F(STR, gateway, REC_REQUIRED, 0, 31, &rec_id, "For which gateway")                               \
    F(STR, epoch, REC_REQUIRED, 1, 64, NULL, "Epoch of the database")                                \
    F(INT, seq, REC_REQUIRED, 1, 9007199254740991, NULL, "Grows with each message within the epoch") \
    F(TIME, issued, REC_REQUIRED, 0, 0, NULL, "When it was signed")                                  \
    F(BYTES, signature, REC_REQUIRED, 64, 64, NULL, "Ed25519 by posternd's message key")
REC_STRUCT(renewal_state, RENEWAL_STATE_FIELDS)
