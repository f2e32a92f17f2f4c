/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of the state stream as records, one per kind of item. Private to common/agent. */
#pragma once
#include "proto/agent.h"

#define LINE_FIELDS(F)                                                                   \
    F(STR, type, REC_REQUIRED, 1, 32, NULL, "What happened")                             \
    F(INT, at_ms, 0, 0, 9007199254740991, NULL, "Since the server received the request") \
    F(STR, kind, REC_OMIT_EMPTY, 0, 32, NULL, "Kind of the item")                        \
    F(STR, id, REC_OMIT_EMPTY, 0, 64, NULL, "Identifier of the item")                    \
    F(STR, revision, REC_OMIT_EMPTY, 0, 64, NULL, "Revision that it belongs to")         \
    F(STR, reason, REC_OMIT_EMPTY, 0, 256, NULL, "Why, for people")                      \
    F(BOOL, initial_end, REC_OMIT_EMPTY, 0, 0, NULL, "The whole state has been listed")
#define LINE_FIELDS_OF(F, T) LINE_FIELDS(F) F(OBJ, item, REC_OMIT_EMPTY, 0, 0, &T##_rec, "The item")

REC_STRUCT(line_head, LINE_FIELDS)

#define REC_OF_item         site_state
#define LINE_SITE_FIELDS(F) LINE_FIELDS_OF(F, site_state)
REC_STRUCT(line_site, LINE_SITE_FIELDS)
#undef REC_OF_item
#define REC_OF_item          class_state
#define LINE_CLASS_FIELDS(F) LINE_FIELDS_OF(F, class_state)
REC_STRUCT(line_class, LINE_CLASS_FIELDS)
#undef REC_OF_item
#define REC_OF_item                       gateway_connection
#define LINE_GATEWAY_CONNECTION_FIELDS(F) LINE_FIELDS_OF(F, gateway_connection)
REC_STRUCT(line_gateway_connection, LINE_GATEWAY_CONNECTION_FIELDS)
#undef REC_OF_item
#define REC_OF_item          grant_state
#define LINE_GRANT_FIELDS(F) LINE_FIELDS_OF(F, grant_state)
REC_STRUCT(line_grant, LINE_GRANT_FIELDS)
#undef REC_OF_item
#define REC_OF_item            session_state
#define LINE_SESSION_FIELDS(F) LINE_FIELDS_OF(F, session_state)
REC_STRUCT(line_session, LINE_SESSION_FIELDS)
#undef REC_OF_item
#define REC_OF_item             resource_state
#define LINE_RESOURCE_FIELDS(F) LINE_FIELDS_OF(F, resource_state)
REC_STRUCT(line_resource, LINE_RESOURCE_FIELDS)
#undef REC_OF_item
#define REC_OF_item                      client_connection
#define LINE_CLIENT_CONNECTION_FIELDS(F) LINE_FIELDS_OF(F, client_connection)
REC_STRUCT(line_client_connection, LINE_CLIENT_CONNECTION_FIELDS)
#undef REC_OF_item
#define REC_OF_item            renewal_state
#define LINE_RENEWAL_FIELDS(F) LINE_FIELDS_OF(F, renewal_state)
REC_STRUCT(line_renewal, LINE_RENEWAL_FIELDS)
#undef REC_OF_item
