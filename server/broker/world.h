/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The world that decisions are made from: people, groups, devices, sites, resources, gateways and policies of one
 * revision, read in one snapshot, compiled, immutable. Shared by reference.
 */
#pragma once
#include "base/map.h"
#include "policy/policy.h"
#include "server/core/hub.h"
#include "server/store/access.h"
#include <stdatomic.h>

struct world {
    atomic_uint refs;
    struct arena memory;
    char revision[REVISION_TEXT_LEN];
    struct policy_world *policy;
    /* Indexes into these are the evaluator's indexes. */
    struct world_person *people;
    struct world_device *devices;
    struct world_site *sites;
    struct world_resource *resources;
    struct world_gateway *gateways;
    size_t n_people, n_devices, n_sites, n_resources, n_gateways;
    struct map site_numbers, gateway_numbers; /* id -> index + 1 */
    struct map resource_names;                /* name in lower case -> index + 1 */
};

/* Inside a snapshot transaction. Returns 0 with *out, or an error of the database. */
int world_load(struct db *db, const char *revision, struct world **out) MUSTCHECK;
struct world *world_ref(struct world *w);
void world_unref(struct world *w);

/* Index or POLICY_NONE. */
uint32_t world_site_of(const struct world *w, const char *id);
uint32_t world_gateway_of(const struct world *w, const char *id);
/* By id, or by name whatever its case. */
uint32_t world_resource_of(const struct world *w, const char *name_or_id);

/* A query about the resource as a whole. */
struct policy_query world_query(const struct world *w, const char *person, const char *device, int64_t now_us);
/* Where clients reach the gateway, into out; false when nobody knows yet. */
bool world_endpoint(const struct world_gateway *g, char out[static NET_ENDPOINT_TEXT]);
