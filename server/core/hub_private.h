/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Life of the hub, for core and its tests. */
#pragma once
#include "server/core/hub.h"

struct hub *hub_new(const char *conninfo, const struct db_table *table) MUSTCHECK;
/* First look at the database, on any connection; before that nothing is servable. Returns 0 or -errno. */
int hub_load(struct hub *hub, struct db *db) MUSTCHECK;
/* Starts the thread that numbers and publishes. */
void hub_start(struct hub *hub);
void hub_free(struct hub *hub);
/* Something was committed. From any thread; arg is the hub. */
void hub_signal(void *arg);
