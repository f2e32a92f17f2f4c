/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line and the daemon say to each other over the daemon's unix socket: one request, then any number of
 * replies, one JSON record per line; the last has `final`.
 */
#pragma once
#include "proto/agent.h"

enum local_verb { LOCAL_STATUS, LOCAL_RESOURCES, LOCAL_LOGIN, LOCAL_LOGOUT, LOCAL_UP, LOCAL_DOWN, LOCAL_WHY };
extern const char *const local_verb_names[];

#define LOCAL_REQUEST_FIELDS(F)                                                                          \
    F(ENUM, verb, REC_REQUIRED, 0, 0, local_verb_names, "What is asked")                                 \
    F(STR, server, REC_OMIT_EMPTY, 1, 512, NULL, "login: address of posternd for people, without a pin") \
    F(STR, pin, REC_OMIT_EMPTY, 1, 64, NULL, "login: sha256//BASE64 of its TLS key")                     \
    F(STR, email, REC_OMIT_EMPTY, 3, 254, NULL, "login: who signs in")                                   \
    F(STR, password, REC_SECRET | REC_OMIT_EMPTY, 1, 1024, NULL, "login: that person's password")        \
    F(STR, resource, REC_OMIT_EMPTY, 1, 64, NULL, "why: name or id")
REC_STRUCT(local_request, LOCAL_REQUEST_FIELDS)

#define LOCAL_RESOURCE_FIELDS(F)                                     \
    F(STR, id, 0, 0, 31, NULL, "Identifier")                         \
    F(STR, name, 0, 0, 64, NULL, "Name")                             \
    F(STR, site, 0, 0, 31, NULL, "Site through which it is reached") \
    F(STRS, addresses, 0, 0, 256, NULL, "Addresses")                 \
    F(STRS, ports, 0, 0, 256, NULL, "Ports; empty = all")            \
    F(BOOL, reachable, 0, 0, 0, NULL, "Whether a tunnel opens it right now")
REC_STRUCT(local_resource, LOCAL_RESOURCE_FIELDS)

#define LOCAL_SITE_FIELDS(F)                                                        \
    F(STR, site, 0, 0, 31, NULL, "Site")                                            \
    F(STR, gateway, 0, 0, 31, NULL, "Its gateway; empty while there is none")       \
    F(STR, endpoint, 0, 0, 64, NULL, "Where the gateway is reached")                \
    F(STR, state, 0, 0, 16, NULL, "asking, waiting, handshake or up")               \
    F(TIME, last_handshake, 0, 0, 0, NULL, "When the tunnel was last proved alive") \
    F(INT, received_bytes, 0, 0, 9007199254740991, NULL, "Bytes received")          \
    F(INT, sent_bytes, 0, 0, 9007199254740991, NULL, "Bytes sent")                  \
    F(STR, reason, REC_OMIT_EMPTY, 0, 256, NULL, "Why it is not up")
REC_STRUCT(local_site, LOCAL_SITE_FIELDS)

#define REC_OF_sites local_site
#define LOCAL_STATUS_FIELDS(F)                                                        \
    F(BOOL, signed_in, 0, 0, 0, NULL, "Whether a person is signed in")                \
    F(BOOL, up, 0, 0, 0, NULL, "Whether tunnels are wanted")                          \
    F(BOOL, connected, 0, 0, 0, NULL, "Whether posternd is reached now")              \
    F(STR, email, 0, 0, 254, NULL, "Who is signed in")                                \
    F(STR, server, 0, 0, 512, NULL, "The posternd of this device")                    \
    F(STR, device, 0, 0, 31, NULL, "Identifier of this device; empty = not enrolled") \
    F(STR, interface, 0, 0, 15, NULL, "Network interface of the tunnels")             \
    F(STR, inner_v4, 0, 0, 15, NULL, "Address inside the tunnels, IPv4")              \
    F(STR, inner_v6, 0, 0, 45, NULL, "Address inside the tunnels, IPv6")              \
    F(TIME, signed_in_until, 0, 0, 0, NULL, "When the session ends")                  \
    F(INT, resources, 0, 0, 65536, NULL, "How many resources may be reached")         \
    F(LIST, sites, 0, 0, 1024, &local_site_rec, "Tunnels, one per site")              \
    F(STRS, clashes, 0, 0, 1024, NULL, "Local routes that are in the way")            \
    F(STR, problem, REC_OMIT_EMPTY, 0, 256, NULL, "What keeps the tunnels from being set up")
REC_STRUCT(local_status, LOCAL_STATUS_FIELDS)
#undef REC_OF_sites

#define REC_OF_status    local_status
#define REC_OF_resources local_resource
#define REC_OF_why       why_answer
#define LOCAL_REPLY_FIELDS(F)                                                         \
    F(BOOL, final, 0, 0, 0, NULL, "Nothing comes after this")                         \
    F(INT, exit, 0, 0, 255, NULL, "Exit status, when final")                          \
    F(STR, text, REC_OMIT_EMPTY, 0, 1024, NULL, "For people: progress, or the error") \
    F(OBJ, status, REC_OMIT_EMPTY, 0, 0, &local_status_rec, "status")                 \
    F(LIST, resources, REC_OMIT_EMPTY, 0, 65536, &local_resource_rec, "resources")    \
    F(OBJ, why, REC_OMIT_EMPTY, 0, 0, &why_answer_rec, "why")
REC_STRUCT(local_reply, LOCAL_REPLY_FIELDS)
#undef REC_OF_status
#undef REC_OF_resources
#undef REC_OF_why
