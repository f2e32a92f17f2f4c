/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine seam: one WireGuard device, spoken to in WireGuard's UAPI text
 * (https://www.wireguard.com/xplatform/), so that wg(8) works beside us. Behind it today: any program that
 * serves a UAPI socket (wireguard-go). The engine is a process of its own that may outlive us: tunnels
 * survive our restart, engine_start() attaches to it again. The caller owns the handle; engine_free() leaves
 * the device alone, engine_stop() ends it and removes the interface.
 */
#pragma once
#include "wireguard/uapi.h"
#include <sys/types.h>

struct engine;

struct engine_options {
    const char *interface; /* unique on the whole machine: the socket path does not know network namespaces */
    const char *program;   /* NULL = "wireguard-go", found in PATH */
    const char *dir;       /* of the UAPI sockets; NULL = "/var/run/wireguard" */
    const char *log_path;  /* the engine's own output is appended here; NULL = discarded */
    int timeout_ms;        /* for starting and for each exchange; 0 = 5000 */
};

/* Attaches to the engine that serves the interface already (*attached = true), else starts one and waits
 * until it answers. Returns 0 or -errno: -EINVAL bad name, -EPERM when the socket belongs to a process of
 * another user, -ETIMEDOUT, -ECHILD when the program ended at once, -ENOENT when it is not installed. */
int engine_start(const struct engine_options *options, struct engine **out, bool *attached) MUSTCHECK;
void engine_free(struct engine *e);
/* Ends the process (politely, then not) and frees the handle; NULL is fine. The interface is gone afterwards.
 */
void engine_stop(struct engine *e);

const char *engine_interface(const struct engine *e);
/* A descriptor that becomes readable when the engine process has ended: for the caller's loop, which must not
 * read or close it. -1 when the kernel could not give one. */
int engine_death_fd(const struct engine *e);

/* One exchange each; return 0 or -errno (the engine's own errno included; -ENOTCONN when it is gone). */
int engine_get(struct engine *e, struct wg_device *out) MUSTCHECK; /* out must be empty; wg_device_done() after */
int engine_set(struct engine *e, const struct buf *set) MUSTCHECK; /* text begun with uapi_set_begin() */
/* Makes the device equal to desired with the fewest changes (uapi_diff); *changed may be NULL. */
int engine_apply(struct engine *e, const struct wg_device *desired, bool *changed) MUSTCHECK;
