/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon tells its own command line over the control socket. */
#pragma once
#include "record/record.h"

#define VIEW_INT_MAX INT64_C(9007199254740991)

#define GATEWAY_STATUS_FIELDS(F)                                                                     \
    F(STR, id, 0, 0, 31, NULL, "This gateway")                                                       \
    F(STR, site, 0, 0, 64, NULL, "Name of its site")                                                 \
    F(STR, server, 0, 0, 512, NULL, "posternd, as agents reach it")                                  \
    F(BOOL, connected, 0, 0, 0, NULL, "The state stream is up")                                      \
    F(BOOL, synced, 0, 0, 0, NULL, "The whole state has been received")                              \
    F(BOOL, applied, 0, 0, 0, NULL, "The kernel is as the state says")                               \
    F(STR, revision, 0, 0, 64, NULL, "Revision of the state")                                        \
    F(STR, interface, 0, 0, 15, NULL, "Network interface of the tunnels")                            \
    F(INT, listen_port, 0, 0, 65535, NULL, "UDP port of the tunnels")                                \
    F(BYTES, wireguard_key, 0, 32, 32, NULL, "Public key of the tunnels")                            \
    F(INT, sessions, 0, 0, VIEW_INT_MAX, NULL, "Connections with keys")                              \
    F(INT, grants, 0, 0, VIEW_INT_MAX, NULL, "Elements that are open in the kernel")                 \
    F(INT, denied_packets, 0, 0, VIEW_INT_MAX, NULL, "Packets refused since the rules were made")    \
    F(INT, renewed_ms_ago, 0, -1, VIEW_INT_MAX, NULL, "Since the last renewal; -1 before the first") \
    F(STR, problem, REC_OMIT_EMPTY, 0, 256, NULL, "What is wrong, if anything")
REC_STRUCT(gateway_status, GATEWAY_STATUS_FIELDS)

#define GATEWAY_SESSION_FIELDS(F)                                            \
    F(STR, connection, 0, 0, 31, NULL, "The connection")                     \
    F(STR, session, 0, 0, 31, NULL, "Its session")                           \
    F(STR, label, 0, 0, 255, NULL, "Who")                                    \
    F(STR, inner_v4, 0, 0, 46, NULL, "Address inside the tunnel")            \
    F(STR, inner_v6, 0, 0, 46, NULL, "Address inside the tunnel, IPv6")      \
    F(STR, endpoint, REC_OMIT_EMPTY, 0, 64, NULL, "From where it came last") \
    F(TIME, last_handshake, 0, 0, 0, NULL, "When keys were exchanged last")  \
    F(INT, received_bytes, 0, 0, VIEW_INT_MAX, NULL, "From the client")      \
    F(INT, sent_bytes, 0, 0, VIEW_INT_MAX, NULL, "To the client")            \
    F(INT, grants, 0, 0, VIEW_INT_MAX, NULL, "Elements that are open for its addresses")
REC_STRUCT(gateway_session, GATEWAY_SESSION_FIELDS)

#define REC_OF_items               gateway_session
#define GATEWAY_SESSIONS_FIELDS(F) F(LIST, items, 0, 0, 0, &gateway_session_rec, "Connections")
REC_STRUCT(gateway_sessions, GATEWAY_SESSIONS_FIELDS)
#undef REC_OF_items

#define CONTROL_REQUEST_FIELDS(F) F(STR, command, REC_REQUIRED, 1, 32, NULL, "status or sessions")
REC_STRUCT(control_request, CONTROL_REQUEST_FIELDS)
