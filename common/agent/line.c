/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/line.h"

#define REC_SELF line_head
REC_TABLE(line_head, LINE_FIELDS)
#undef REC_SELF
#define REC_SELF line_site
REC_TABLE(line_site, LINE_SITE_FIELDS)
#undef REC_SELF
#define REC_SELF line_class
REC_TABLE(line_class, LINE_CLASS_FIELDS)
#undef REC_SELF
#define REC_SELF line_gateway_connection
REC_TABLE(line_gateway_connection, LINE_GATEWAY_CONNECTION_FIELDS)
#undef REC_SELF
#define REC_SELF line_grant
REC_TABLE(line_grant, LINE_GRANT_FIELDS)
#undef REC_SELF
#define REC_SELF line_session
REC_TABLE(line_session, LINE_SESSION_FIELDS)
#undef REC_SELF
#define REC_SELF line_resource
REC_TABLE(line_resource, LINE_RESOURCE_FIELDS)
#undef REC_SELF
#define REC_SELF line_client_connection
REC_TABLE(line_client_connection, LINE_CLIENT_CONNECTION_FIELDS)
#undef REC_SELF
#define REC_SELF line_renewal
REC_TABLE(line_renewal, LINE_RENEWAL_FIELDS)
#undef REC_SELF
