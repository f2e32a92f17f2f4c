/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the place of server/front/guard.c and selftest.c in front_echo_unguarded, which shows what happens without them. */
#include "server/front/guard.h"
#include <sys/socket.h>

static const struct guard_stats none;

void guard_conn_init(struct guard_conn *c)
{
    *c = (struct guard_conn){.magic = 1};
}

struct guard_conn *guard_conn_of(h2o_socket_t *sock)
{
    struct guard_conn *c = sock ? sock->on_close.data : NULL;
    return c && c->magic == 1 ? c : NULL;
}

const struct guard_stats *guard_stats(void)
{
    return &none;
}

void guard_stats_reset(void)
{
}

const char *guard_kill_name(enum guard_kill kill)
{
    return "?";
}

void guard_shutdown(h2o_socket_t *sock)
{
    shutdown(h2o_socket_get_fd(sock), SHUT_RDWR);
}

int guard_init(void)
{
    return 0;
}

int guard_selftest(void)
{
    return 0;
}

void guard_look(struct guard_sight *sight)
{
}
