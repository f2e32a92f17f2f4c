/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Listening TCP sockets, opened by the supervisor before it gives up privileges and handed to the fronts. */
#pragma once
#include "base/defs.h"

/* "[::]:8443" (serves IPv4 too), "127.0.0.1:0", "[2001:db8::1]:443". Returns the fd or -errno, logged. A predecessor
 * that still drains is waited for. */
int listen_open(const char *address) MUSTCHECK;
/* Port that the kernel chose, 0 on error. */
unsigned listen_port(int fd);
