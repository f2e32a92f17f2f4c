/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/store/access.h"

#define REC_SELF world_id
REC_TABLE(world_id, WORLD_ID_FIELDS)
#undef REC_SELF

#define REC_SELF world_person
REC_TABLE(world_person, WORLD_PERSON_FIELDS)
#undef REC_SELF

#define REC_SELF world_member
REC_TABLE(world_member, WORLD_MEMBER_FIELDS)
#undef REC_SELF

#define REC_SELF world_device
REC_TABLE(world_device, WORLD_DEVICE_FIELDS)
#undef REC_SELF

#define REC_SELF world_site
REC_TABLE(world_site, WORLD_SITE_FIELDS)
#undef REC_SELF

#define REC_SELF world_resource
REC_TABLE(world_resource, WORLD_RESOURCE_FIELDS)
#undef REC_SELF

#define REC_SELF world_policy
REC_TABLE(world_policy, WORLD_POLICY_FIELDS)
#undef REC_SELF

#define REC_SELF world_gateway
REC_TABLE(world_gateway, WORLD_GATEWAY_FIELDS)
#undef REC_SELF

#define REC_SELF id_row
REC_TABLE(id_row, ID_ROW_FIELDS)
#undef REC_SELF

#define REC_SELF slot_row
REC_TABLE(slot_row, SLOT_ROW_FIELDS)
#undef REC_SELF

#define REC_SELF counter_row
REC_TABLE(counter_row, COUNTER_ROW_FIELDS)
#undef REC_SELF

#define REC_SELF session_row
REC_TABLE(session_row, SESSION_ROW_FIELDS)
#undef REC_SELF

#define REC_SELF connection_row
REC_TABLE(connection_row, CONNECTION_ROW_FIELDS)
#undef REC_SELF

#define REC_SELF connection_head
REC_TABLE(connection_head, CONNECTION_HEAD_FIELDS)
#undef REC_SELF

#define REC_SELF lease_row
REC_TABLE(lease_row, LEASE_ROW_FIELDS)
#undef REC_SELF

#define REC_SELF lease_head
REC_TABLE(lease_head, LEASE_HEAD_FIELDS)
#undef REC_SELF

#define REC_SELF agent_row
REC_TABLE(agent_row, AGENT_ROW_FIELDS)
#undef REC_SELF

#define REC_SELF certificate_row
REC_TABLE(certificate_row, CERTIFICATE_ROW_FIELDS)
#undef REC_SELF
#define REC_SELF enrolment_row
REC_TABLE(enrolment_row, ENROLMENT_ROW_FIELDS)
#undef REC_SELF
