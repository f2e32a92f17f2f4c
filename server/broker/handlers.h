/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Handlers of the agent API, by file. */
#pragma once
#include "server/core/handler.h"

handler_fn state_watch;                             /* watch.c */
handler_fn enroll, certificate_renew;               /* enroll.c */
handler_fn agent_sign_in_post, agent_sign_out_post; /* sign_in.c */
handler_fn connection_ask;                          /* connect.c */
handler_fn connection_accept, connection_fail;      /* accept.c */
handler_fn status_put, reports_post;                /* report.c */
handler_fn why_post;                                /* why.c */

struct audit_actor;
/* The agent that asks, for audit events. */
struct audit_actor actor_of(const struct request *req);
