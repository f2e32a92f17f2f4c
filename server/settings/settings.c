/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/settings/settings.h"
#include "base/str.h"
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *env;
    size_t off;
} rows[] = {
    {"POSTERN_DATA_DIR", offsetof(struct settings, data_dir)},
    {"POSTERN_RUN_DIR", offsetof(struct settings, run_dir)},
    {"POSTERN_LISTEN", offsetof(struct settings, listen)},
    {"POSTERN_LISTEN_AGENTS", offsetof(struct settings, listen_agents)},
    {"POSTERN_PUBLIC_URL", offsetof(struct settings, public_url)},
    {"POSTERN_AGENTS_URL", offsetof(struct settings, agents_url)},
    {"POSTERN_TLS_CERT", offsetof(struct settings, tls_cert)},
    {"POSTERN_TLS_KEY", offsetof(struct settings, tls_key)},
    {"POSTERN_USER", offsetof(struct settings, user)},
    {"POSTERN_FRONT_USER", offsetof(struct settings, front_user)},
    {"POSTERN_DB_USER", offsetof(struct settings, db_user)},
    {"POSTERN_DATABASE_URL", offsetof(struct settings, database_url)},
};

static const char **member(struct settings *s, size_t i)
{
    return (const char **)(void *)((char *)s + rows[i].off);
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

int group_of_dir(const char *path)
{
    char copy[PATH_MAX];
    struct stat st;
    if (!str_copy(copy, sizeof(copy), path))
        return -ENAMETOOLONG;
    if (stat(dirname(copy), &st) || lchown(path, (uid_t)-1, st.st_gid))
        return -errno;
    return 0;
}
