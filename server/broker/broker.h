/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The broker: enrols gateways and devices, signs people in on them, decides and keeps leases, introduces clients to
 * gateways, and streams to each agent the state that it should be in.
 */
#pragma once
#include "server/core/core.h"

extern const struct route broker_routes[];
extern const size_t n_broker_routes;

/* Who an agent is, by its certificate: for api_set_agent_principal(). */
int broker_principal(struct request *req, struct response *res);
/* For struct core_app's start, after api_start(); again when it failed. Reads the state, ends what the last process
 * left half done, and follows the hub from then on. */
int broker_start(struct core *core, struct db *db) MUSTCHECK;
