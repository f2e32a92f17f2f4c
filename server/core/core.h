/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The process `core`: takes requests from the fronts, runs them on database workers, keeps streams fed, numbers
 * changes. Owns the keys, the pool, the hub and the I/O loop; everything it hands out lives as long as the process.
 */
#pragma once
#include "server/core/handler.h"
#include "server/core/hub.h"

struct pool;
struct loop;
struct settings;
struct core_keys;

struct hub *core_hub(struct core *core);
struct pool *core_pool(struct core *core);
const struct settings *core_settings(const struct core *core);
const struct core_keys *core_keys(const struct core *core);

/* Work at intervals on a worker (renewals, expiry): fn(db) every period_ms, skipped while the database is away. */
void core_every(struct core *core, int64_t period_ms, void (*fn)(struct core *core, struct db *db, void *arg),
                void *arg);

struct core_config {
    const struct settings *settings;
    const struct core_app *app;
    const char *conninfo;
    int status_fd; /* see server/settings/status.h; -1 = nobody listens */
};
/* Runs until SIGTERM; returns the exit code. */
int core_run(const struct core_config *config) MUSTCHECK;
