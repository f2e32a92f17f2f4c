/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/urls.h"
#include "base/str.h"
#include <unistd.h>

/* listen: "address:port" or "[address]:port"; a wildcard address becomes the host's name. */
static const char *url_of(const char *told, const char *listen, struct arena *a)
{
    if (told && *told)
        return arena_strdup(a, told);
    const char *port = strrchr(listen, ':');
    if (!port || (!str_starts(listen, "[::]") && !str_starts(listen, "0.0.0.0") && port != listen))
        return arena_printf(a, "https://%s", listen);
    char host[256] = "localhost";
    if (gethostname(host, sizeof(host) - 1))
        str_copy(host, sizeof(host), "localhost");
    return arena_printf(a, "https://%s%s", host, port);
}

const char *url_of_people(const struct settings *s, struct arena *a)
{
    return url_of(s->public_url, s->listen, a);
}

const char *url_of_agents(const struct settings *s, struct arena *a)
{
    return url_of(s->agents_url, s->listen_agents, a);
}

const char *url_to_tell(const struct settings *s, const char *pin, struct arena *a)
{
    const char *url = url_of_people(s, a);
    return !url || s->tls_cert ? url : arena_printf(a, "%s#pin=%s", url, pin);
}
