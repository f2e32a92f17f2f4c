/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/settings/settings.h"
#include "base/str.h"
#include <stdio.h>

#define ROW(member, env, fallback)                       \
    {                                                    \
        env, fallback, offsetof(struct settings, member) \
    }

static const struct {
    const char *env, *fallback;
    size_t off;
} rows[] = {
    ROW(data_dir, "POSTERN_DATA_DIR", "/var/lib/postern"),
    ROW(run_dir, "POSTERN_RUN_DIR", "/run/postern"),
    ROW(listen, "POSTERN_LISTEN", "[::]:8443"),
    ROW(listen_agents, "POSTERN_LISTEN_AGENTS", "[::]:8444"),
    ROW(public_url, "POSTERN_PUBLIC_URL", NULL),
    ROW(agents_url, "POSTERN_AGENTS_URL", NULL),
    ROW(tls_cert, "POSTERN_TLS_CERT", NULL),
    ROW(tls_key, "POSTERN_TLS_KEY", NULL),
    ROW(user, "POSTERN_USER", "postern"),
    ROW(front_user, "POSTERN_FRONT_USER", "postern-front"),
    ROW(db_user, "POSTERN_DB_USER", "postgres"),
    ROW(database_url, "POSTERN_DATABASE_URL", NULL),
};

static const char **member(struct settings *s, size_t i)
{
    return (const char **)(void *)((char *)s + rows[i].off);
}

void settings_from_env(struct settings *s)
{
    *s = (struct settings){0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *value = getenv(rows[i].env);
        *member(s, i) = value && *value ? value : rows[i].fallback;
    }
}

void settings_to_env(const struct settings *s)
{
    struct settings copy = *s;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *value = *member(&copy, i);
        if (value)
            setenv(rows[i].env, value, 1);
        else
            unsetenv(rows[i].env);
    }
}

const char *settings_path(char *out, size_t cap, const char *dir, const char *name)
{
    if ((size_t)snprintf(out, cap, "%s/%s", dir, name) >= cap)
        return NULL;
    return out;
}
