/* SPDX-License-Identifier: Apache-2.0 */
/* What a tunnel's network interface needs besides WireGuard: up, MTU, addresses, routes. One rtnetlink exchange each;
 * nothing is held between calls. All return 0 or -errno; what is there already is no error. */
#pragma once
#include "net/addr.h"

enum { DEVICE_MTU = 1420, DEVICE_TABLE_MAIN = 254 };

int device_up(const char *interface, unsigned mtu) MUSTCHECK;
int device_address_add(const char *interface, struct net_prefix address) MUSTCHECK;
int device_address_remove(const char *interface, struct net_prefix address) MUSTCHECK;
/* Route to a prefix through the interface; source (NULL: kernel's choice) is the address that it prefers. */
int device_route_add(const char *interface, struct net_prefix to, const struct net_addr *source,
                     uint32_t table) MUSTCHECK;
int device_route_remove(const char *interface, struct net_prefix to, uint32_t table) MUSTCHECK;
