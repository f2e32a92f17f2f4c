/* SPDX-License-Identifier: Apache-2.0 */
#include "client/local.h"

const char *const local_verb_names[] = {"status", "resources", "login", "logout", "up", "down", "why", NULL};

#define REC_SELF local_request
REC_TABLE(local_request, LOCAL_REQUEST_FIELDS)
#undef REC_SELF
#define REC_SELF local_resource
REC_TABLE(local_resource, LOCAL_RESOURCE_FIELDS)
#undef REC_SELF
#define REC_SELF local_site
REC_TABLE(local_site, LOCAL_SITE_FIELDS)
#undef REC_SELF
#define REC_SELF local_status
REC_TABLE(local_status, LOCAL_STATUS_FIELDS)
#undef REC_SELF
#define REC_SELF local_reply
REC_TABLE(local_reply, LOCAL_REPLY_FIELDS)
#undef REC_SELF
