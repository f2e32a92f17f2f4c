/* SPDX-License-Identifier: Apache-2.0 */
#include "client/routes.h"

static int by_prefix(const void *a, const void *b)
{
    return net_prefix_compare(((const struct route *)a)->to, ((const struct route *)b)->to);
}

static int by_wanted(const void *a, const void *b)
{
    return net_prefix_compare(*(const struct net_prefix *)a, *(const struct net_prefix *)b);
}

static bool ours(const struct route *r)
{
    return r->protocol == ROUTES_PROTOCOL;
}

static size_t unique(struct net_prefix *wanted, size_t n)
{
    size_t kept = 0;
    if (n > 1)
        qsort(wanted, n, sizeof(*wanted), by_wanted);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !net_prefix_eq(wanted[kept - 1], wanted[i]))
            wanted[kept++] = wanted[i];
    return kept;
}

struct walk {
    const struct route *actual;
    size_t n_actual;
    uint32_t interface;
    const struct net_addr *endpoints;
    size_t n_endpoints;
    void (*each)(void *arg, enum route_step step, const struct route *route);
    void *arg;
};

static bool swallows_endpoint(const struct walk *w, struct net_prefix to)
{
    for (size_t i = 0; i < w->n_endpoints; i++)
        if (net_prefix_contains(to, w->endpoints[i]))
            return true;
    return false;
}

/* Foreign routes below or equal to a wanted prefix come right after it in order. True when one is equal. */
static bool tell_clashes(const struct walk *w, struct net_prefix to, size_t from)
{
    bool equal = false;
    while (from > 0 && net_prefix_compare(w->actual[from - 1].to, to) >= 0)
        from--;
    for (size_t i = from; i < w->n_actual && net_addr_compare(w->actual[i].to.addr, net_prefix_last(to)) <= 0; i++) {
        if (ours(&w->actual[i]) || !net_prefix_covers(to, w->actual[i].to))
            continue;
        equal |= net_prefix_eq(w->actual[i].to, to);
        w->each(w->arg, ROUTE_CLASH, &w->actual[i]);
    }
    return equal;
}

static bool may_add(const struct walk *w, struct net_prefix to, size_t at)
{
    if (swallows_endpoint(w, to)) {
        w->each(w->arg, ROUTE_CLASH, &(struct route){.to = to});
        return false;
    }
    return !tell_clashes(w, to, at);
}

/* Ours at this prefix through the interface. */
static bool there(const struct walk *w, struct net_prefix to, size_t at)
{
    for (; at < w->n_actual && net_prefix_eq(w->actual[at].to, to); at++)
        if (ours(&w->actual[at]) && w->actual[at].interface == w->interface)
            return true;
    return false;
}

static bool is_wanted(const struct net_prefix *wanted, size_t n, struct net_prefix to)
{
    return n > 0 && bsearch(&to, wanted, n, sizeof(*wanted), by_wanted);
}

void routes_diff(struct route *actual, size_t n_actual, struct net_prefix *wanted, size_t n_wanted, uint32_t interface,
                 const struct net_addr *endpoints, size_t n_endpoints,
                 void (*each)(void *arg, enum route_step step, const struct route *route), void *arg)
{
    struct walk w = {actual, n_actual, interface, endpoints, n_endpoints, each, arg};
    size_t at = 0;
    if (n_actual > 1)
        qsort(actual, n_actual, sizeof(*actual), by_prefix);
    n_wanted = unique(wanted, n_wanted);
    for (size_t i = 0; i < n_actual; i++)
        if (ours(&actual[i]) && (actual[i].interface != interface || !is_wanted(wanted, n_wanted, actual[i].to) ||
                                 swallows_endpoint(&w, actual[i].to)))
            each(arg, ROUTE_REMOVE, &actual[i]);
    for (size_t i = 0; i < n_wanted; i++) {
        while (at < n_actual && net_prefix_compare(actual[at].to, wanted[i]) < 0)
            at++;
        bool add = may_add(&w, wanted[i], at);
        if (add && !there(&w, wanted[i], at))
            each(arg, ROUTE_ADD, &(struct route){.to = wanted[i], .interface = interface, .protocol = ROUTES_PROTOCOL});
    }
}
