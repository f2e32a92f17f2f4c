/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A memory cap for the fronts, where the control groups (v1 or v2) let us: strangers' bytes may use up no more. */
#pragma once
#include <limits.h>
#include <stdint.h>

struct cgroup {
    char dir[PATH_MAX]; /* "" = not possible */
};

/* Makes the group "NAME" below our own with the limit; logs when that is not possible. While still root. */
void cgroup_make(struct cgroup *g, const char *name, uint64_t memory_max);
/* Moves the calling process into it. */
void cgroup_join(const struct cgroup *g);
void cgroup_remove(const struct cgroup *g);
