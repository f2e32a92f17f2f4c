/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/agent.h"

const char *const agent_kind_names[] = {"gateway", "device", NULL};
const char *const connection_phase_names[] = {"pending", "ready", "failed", NULL};
const char *const why_effect_names[] = {"deny", "permit", NULL};

#define REC_SELF enroll_request
REC_TABLE(enroll_request, ENROLL_REQUEST_FIELDS)
#undef REC_SELF
#define REC_SELF enroll_answer
REC_TABLE(enroll_answer, ENROLL_ANSWER_FIELDS)
#undef REC_SELF
#define REC_SELF certificate_request
REC_TABLE(certificate_request, CERTIFICATE_REQUEST_FIELDS)
#undef REC_SELF
#define REC_SELF certificate_answer
REC_TABLE(certificate_answer, CERTIFICATE_ANSWER_FIELDS)
#undef REC_SELF
#define REC_SELF agent_sign_in
REC_TABLE(agent_sign_in, AGENT_SIGN_IN_FIELDS)
#undef REC_SELF
#define REC_SELF session_state
REC_TABLE(session_state, SESSION_STATE_FIELDS)
#undef REC_SELF
#define REC_SELF port_range_state
REC_TABLE(port_range_state, PORT_RANGE_STATE_FIELDS)
#undef REC_SELF
#define REC_SELF resource_state
REC_TABLE(resource_state, RESOURCE_STATE_FIELDS)
#undef REC_SELF
#define REC_SELF connection_request
REC_TABLE(connection_request, CONNECTION_REQUEST_FIELDS)
#undef REC_SELF
#define REC_SELF refusal
REC_TABLE(refusal, REFUSAL_FIELDS)
#undef REC_SELF
#define REC_SELF connection_answer
REC_TABLE(connection_answer, CONNECTION_ANSWER_FIELDS)
#undef REC_SELF
#define REC_SELF client_connection
REC_TABLE(client_connection, CLIENT_CONNECTION_FIELDS)
#undef REC_SELF
#define REC_SELF site_state
REC_TABLE(site_state, SITE_STATE_FIELDS)
#undef REC_SELF
#define REC_SELF box_state
REC_TABLE(box_state, BOX_STATE_FIELDS)
#undef REC_SELF
#define REC_SELF class_state
REC_TABLE(class_state, CLASS_STATE_FIELDS)
#undef REC_SELF
#define REC_SELF gateway_connection
REC_TABLE(gateway_connection, GATEWAY_CONNECTION_FIELDS)
#undef REC_SELF
#define REC_SELF grant_state
REC_TABLE(grant_state, GRANT_STATE_FIELDS)
#undef REC_SELF
#define REC_SELF accept_request
REC_TABLE(accept_request, ACCEPT_REQUEST_FIELDS)
#undef REC_SELF
#define REC_SELF fail_request
REC_TABLE(fail_request, FAIL_REQUEST_FIELDS)
#undef REC_SELF
#define REC_SELF why_request
REC_TABLE(why_request, WHY_REQUEST_FIELDS)
#undef REC_SELF
#define REC_SELF why_answer
REC_TABLE(why_answer, WHY_ANSWER_FIELDS)
#undef REC_SELF
#define REC_SELF condition
REC_TABLE(condition, CONDITION_FIELDS)
#undef REC_SELF
#define REC_SELF status_report
REC_TABLE(status_report, STATUS_REPORT_FIELDS)
#undef REC_SELF
#define REC_SELF denied_flow
REC_TABLE(denied_flow, DENIED_FLOW_FIELDS)
#undef REC_SELF
#define REC_SELF report_batch
REC_TABLE(report_batch, REPORT_BATCH_FIELDS)
#undef REC_SELF
#define REC_SELF renewal_state
REC_TABLE(renewal_state, RENEWAL_STATE_FIELDS)
#undef REC_SELF
