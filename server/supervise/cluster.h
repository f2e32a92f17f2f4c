/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Makes the private PostgreSQL cluster, whole or not at all. Runs as the database's user. */
#pragma once
#include "base/defs.h"

/* dir/data out of dir/data.new; bin holds initdb and postgres. Returns 0 or -errno. */
int cluster_make(const char *dir, const char *bin) MUSTCHECK;
/* execve of argv[0] with an environment that holds nothing of ours; returns only on failure, errno says why. */
void cluster_exec(const char *const argv[]);
