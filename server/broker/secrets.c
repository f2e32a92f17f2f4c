/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/str.h"
#include "server/broker/state.h"

static void drop(void *value)
{
    struct secret *s = value;
    if (!s)
        return;
    secret_done(s);
    free(s);
}

void secret_keep(struct broker *b, const char *connection, const uint8_t r[static 32])
{
    struct secret *s = xalloc(sizeof(*s));
    *s = secret_copy(r, 32);
    pthread_mutex_lock(&b->secrets_lock);
    drop(map_set(&b->secrets, connection, s));
    pthread_mutex_unlock(&b->secrets_lock);
}

void secret_forget(struct broker *b, const char *connection)
{
    pthread_mutex_lock(&b->secrets_lock);
    drop(map_remove(&b->secrets, connection));
    pthread_mutex_unlock(&b->secrets_lock);
}

bool secret_of(struct broker *b, const char *connection, uint8_t r[static 32])
{
    pthread_mutex_lock(&b->secrets_lock);
    const struct secret *s = map_get(&b->secrets, connection);
    if (s)
        memcpy(r, s->p, 32);
    pthread_mutex_unlock(&b->secrets_lock);
    return s != NULL;
}
