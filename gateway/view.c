/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/view.h"

#define REC_SELF gateway_status
REC_TABLE(gateway_status, GATEWAY_STATUS_FIELDS)
#undef REC_SELF
#define REC_SELF gateway_session
REC_TABLE(gateway_session, GATEWAY_SESSION_FIELDS)
#undef REC_SELF
#define REC_SELF gateway_sessions
REC_TABLE(gateway_sessions, GATEWAY_SESSIONS_FIELDS)
#undef REC_SELF
#define REC_SELF control_request
REC_TABLE(control_request, CONTROL_REQUEST_FIELDS)
#undef REC_SELF
