/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "proto/agent.h"
#include "server/broker/broker.h"
#include "server/broker/handlers.h"

#define A "/agent/v1"

const struct route broker_routes[] = {
    ROUTE("POST", A "/enroll", ALLOW_ANYONE, enroll, &enroll_request_rec, &enroll_answer_rec,
          "Give a gateway or device its certificate"),
    ROUTE("POST", A "/certificate", ALLOW_GATEWAY | ALLOW_DEVICE | ALLOW_SESSION, certificate_renew,
          &certificate_request_rec, &certificate_answer_rec, "Renew the certificate"),
    ROUTE("POST", A "/sign-in", ALLOW_DEVICE | ALLOW_SESSION, agent_sign_in_post, &agent_sign_in_rec,
          &session_state_rec, "Sign a person in on this device"),
    ROUTE("POST", A "/sign-out", ALLOW_DEVICE | ALLOW_SESSION, agent_sign_out_post, NULL, NULL, "End the session"),
    ROUTE("GET", A "/state", ALLOW_GATEWAY | ALLOW_DEVICE | ALLOW_SESSION, state_watch, NULL, NULL,
          "Stream the desired state"),
    ROUTE("PUT", A "/status", ALLOW_GATEWAY | ALLOW_DEVICE | ALLOW_SESSION, status_put, &status_report_rec, NULL,
          "Report what is in force"),
    ROUTE("POST", A "/connections", ALLOW_SESSION, connection_ask, &connection_request_rec, &connection_answer_rec,
          "Ask for leases on resources of a site"),
    ROUTE("POST", A "/connections/{id}/accept", ALLOW_GATEWAY, connection_accept, &accept_request_rec, NULL,
          "The gateway has installed the peer"),
    ROUTE("POST", A "/connections/{id}/fail", ALLOW_GATEWAY | ALLOW_SESSION, connection_fail, &fail_request_rec, NULL,
          "One end cannot realise the connection, or is done with it"),
    ROUTE("POST", A "/why", ALLOW_DEVICE | ALLOW_SESSION, why_post, &why_request_rec, &why_answer_rec,
          "Ask what policy says now"),
    ROUTE("POST", A "/reports", ALLOW_GATEWAY, reports_post, &report_batch_rec, NULL, "Refused packets"),
};
const size_t n_broker_routes = sizeof(broker_routes) / sizeof(broker_routes[0]);
