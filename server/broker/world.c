/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/broker/world.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "server/store/sql.h"
#include <ctype.h>
#include <stdio.h>

/* One organisation's nouns: generous, but a runaway table must not take the machine down with it. */
#define WORLD_MEMORY ((size_t)2 << 30)

enum { IP_TCP = 6, IP_UDP = 17, IP_ICMP = 1, IP_ICMPV6 = 58, NAME_MAX_LEN = 256 };

static void number(struct map *numbers, const char *key, size_t index)
{
    (void)map_set(numbers, key, (void *)(index + 1));
}

static uint32_t number_of(const struct map *numbers, const char *key)
{
    uintptr_t found = key ? (uintptr_t)map_get(numbers, key) : 0;
    return found ? (uint32_t)(found - 1) : POLICY_NONE;
}

static bool lower_case(const char *s, char out[static NAME_MAX_LEN])
{
    size_t n = strlen(s);
    if (n >= NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i <= n; i++)
        out[i] = (char)tolower((unsigned char)s[i]);
    return true;
}

/* What only compiling needs: indexes by id, gone afterwards. */
struct compiler {
    struct world *w;
    struct arena *scratch;
    struct policy_input in;
    struct map people, groups, resources;
    struct world_id *group_rows;
    struct world_member *members;
    struct world_policy *policies;
    size_t n_group_rows, n_members, n_policies;
};

static void *take(struct compiler *c, size_t n, size_t size)
{
    void *p = arena_array(c->scratch, n, size);
    if (!p)
        abort();
    return p;
}

static int read_rows(struct compiler *c, struct db *db)
{
    struct world *w = c->w;
    const struct {
        size_t sql;
        void **rows;
        size_t *n;
        struct arena *arena;
    } reads[] = {
        {SQL_WORLD_PEOPLE, (void **)&w->people, &w->n_people, &w->memory},
        {SQL_WORLD_DEVICES, (void **)&w->devices, &w->n_devices, &w->memory},
        {SQL_WORLD_SITES, (void **)&w->sites, &w->n_sites, &w->memory},
        {SQL_WORLD_RESOURCES, (void **)&w->resources, &w->n_resources, &w->memory},
        {SQL_WORLD_GATEWAYS, (void **)&w->gateways, &w->n_gateways, &w->memory},
        {SQL_WORLD_GROUPS, (void **)&c->group_rows, &c->n_group_rows, c->scratch},
        {SQL_WORLD_MEMBERSHIPS, (void **)&c->members, &c->n_members, c->scratch},
        {SQL_WORLD_POLICIES, (void **)&c->policies, &c->n_policies, c->scratch},
    };
    for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
        int r = db_all(db, reads[i].sql, DB_NONE, reads[i].arena, reads[i].rows, reads[i].n);
        if (r)
            return r;
    }
    return 0;
}

static void compile_people(struct compiler *c)
{
    const struct world *w = c->w;
    struct policy_person_in *people = take(c, w->n_people, sizeof(*people));
    struct policy_device_in *devices = take(c, w->n_devices, sizeof(*devices));
    const char **groups = take(c, c->n_group_rows, sizeof(*groups));
    struct policy_member_in *members = take(c, c->n_members, sizeof(*members));
    for (size_t i = 0; i < w->n_people; i++) {
        people[i] = (struct policy_person_in){w->people[i].id, !w->people[i].enabled};
        number(&c->people, w->people[i].id, i);
    }
    for (size_t i = 0; i < w->n_devices; i++)
        devices[i] = (struct policy_device_in){w->devices[i].id, number_of(&c->people, w->devices[i].person_id),
                                               w->devices[i].blocked};
    for (size_t i = 0; i < c->n_group_rows; i++) {
        groups[i] = c->group_rows[i].id;
        number(&c->groups, groups[i], i);
    }
    for (size_t i = 0; i < c->n_members; i++)
        members[i] = (struct policy_member_in){number_of(&c->people, c->members[i].person_id),
                                               number_of(&c->groups, c->members[i].group_id), false};
    c->in.people = people;
    c->in.devices = devices;
    c->in.groups = groups;
    c->in.members = members;
    c->in.n_people = w->n_people;
    c->in.n_devices = w->n_devices;
    c->in.n_groups = c->n_group_rows;
    c->in.n_members = c->n_members;
}

/* Ports mean something for tcp and udp only; "any" with ports is both of them, without it is every protocol. */
static size_t add_boxes(const struct port_range *p, struct net_prefix prefix, struct policy_box *out)
{
    bool every = p->first == 0 && p->last == 0;
    uint16_t first = (uint16_t)p->first, last = (uint16_t)(every ? UINT16_MAX : MAX(p->last, p->first));
    uint8_t icmp = net_prefix_is_v4(prefix) ? IP_ICMP : IP_ICMPV6;
    switch ((enum protocol)p->protocol) {
    case PROTOCOL_TCP:
        out[0] = (struct policy_box){prefix, IP_TCP, IP_TCP, first, last};
        return 1;
    case PROTOCOL_UDP:
        out[0] = (struct policy_box){prefix, IP_UDP, IP_UDP, first, last};
        return 1;
    case PROTOCOL_ICMP:
        out[0] = (struct policy_box){prefix, icmp, icmp, 0, UINT16_MAX};
        return 1;
    case PROTOCOL_ANY:
        break;
    }
    if (every) {
        out[0] = (struct policy_box){prefix, 0, UINT8_MAX, 0, UINT16_MAX};
        return 1;
    }
    out[0] = (struct policy_box){prefix, IP_TCP, IP_TCP, first, last};
    out[1] = (struct policy_box){prefix, IP_UDP, IP_UDP, first, last};
    return 2;
}

static struct policy_resource_in compile_resource(struct compiler *c, const struct world_resource *r)
{
    static const struct port_range everything = {.protocol = PROTOCOL_ANY};
    const struct port_range *ports = r->n_ports ? r->ports : &everything;
    size_t n_ports = r->n_ports ? r->n_ports : 1, n = 0;
    struct policy_box *boxes = take(c, r->n_addresses * n_ports * 2, sizeof(*boxes));
    for (size_t i = 0; i < r->n_addresses; i++) {
        struct net_prefix prefix;
        for (size_t k = 0; !net_prefix_parse(r->addresses[i], &prefix) && k < n_ports; k++)
            n += add_boxes(&ports[k], prefix, boxes + n);
    }
    return (struct policy_resource_in){r->id, world_site_of(c->w, r->site_id), boxes, n};
}

static void compile_resources(struct compiler *c)
{
    struct world *w = c->w;
    struct policy_resource_in *resources = take(c, w->n_resources, sizeof(*resources));
    struct policy_rule_in *rules = take(c, c->n_policies, sizeof(*rules));
    char name[NAME_MAX_LEN];
    for (size_t i = 0; i < w->n_sites; i++)
        number(&w->site_numbers, w->sites[i].id, i);
    for (size_t i = 0; i < w->n_gateways; i++)
        number(&w->gateway_numbers, w->gateways[i].id, i);
    for (size_t i = 0; i < w->n_resources; i++) {
        resources[i] = compile_resource(c, &w->resources[i]);
        number(&c->resources, w->resources[i].id, i);
        if (lower_case(w->resources[i].name, name))
            number(&w->resource_names, name, i);
    }
    for (size_t i = 0; i < c->n_policies; i++)
        rules[i] =
            (struct policy_rule_in){.id = c->policies[i].id,
                                    .effect = c->policies[i].effect == EFFECT_PERMIT ? POLICY_PERMIT : POLICY_DENY,
                                    .group = number_of(&c->groups, c->policies[i].group_id),
                                    .resource = number_of(&c->resources, c->policies[i].resource_id)};
    c->in.resources = resources;
    c->in.rules = rules;
    c->in.n_resources = w->n_resources;
    c->in.n_rules = c->n_policies;
    c->in.n_sites = w->n_sites;
}

int world_load(struct db *db, const char *revision, struct world **out)
{
    struct arena scratch;
    struct world *w = xalloc(sizeof(*w));
    struct compiler c = {.w = w, .scratch = &scratch};
    arena_init(&scratch, WORLD_MEMORY);
    arena_init(&w->memory, WORLD_MEMORY);
    w->refs = 1;
    str_copy(w->revision, sizeof(w->revision), revision);
    int r = read_rows(&c, db);
    if (!r) {
        compile_people(&c);
        compile_resources(&c);
        w->policy = policy_world_build(&c.in, sha256);
        *out = w;
    } else {
        world_unref(w);
    }
    map_done(&c.people);
    map_done(&c.groups);
    map_done(&c.resources);
    arena_done(&scratch);
    return r;
}

struct world *world_ref(struct world *w)
{
    atomic_fetch_add(&w->refs, 1);
    return w;
}

void world_unref(struct world *w)
{
    if (!w || atomic_fetch_sub(&w->refs, 1) != 1)
        return;
    policy_world_free(w->policy);
    map_done(&w->site_numbers);
    map_done(&w->gateway_numbers);
    map_done(&w->resource_names);
    arena_done(&w->memory);
    free(w);
}

uint32_t world_site_of(const struct world *w, const char *id)
{
    return number_of(&w->site_numbers, id);
}

uint32_t world_gateway_of(const struct world *w, const char *id)
{
    return number_of(&w->gateway_numbers, id);
}

uint32_t world_resource_of(const struct world *w, const char *name_or_id)
{
    char name[NAME_MAX_LEN];
    uint32_t by_id = policy_resource(w->policy, name_or_id);
    if (by_id != POLICY_NONE || !lower_case(name_or_id, name))
        return by_id;
    return number_of(&w->resource_names, name);
}

struct policy_query world_query(const struct world *w, const char *person, const char *device, int64_t now_us)
{
    return (struct policy_query){.person = policy_person(w->policy, person),
                                 .device = policy_device(w->policy, device),
                                 .protocol = POLICY_ANY,
                                 .port = POLICY_ANY,
                                 .now_us = now_us};
}

bool world_endpoint(const struct world_gateway *g, char out[static NET_ENDPOINT_TEXT])
{
    struct net_endpoint e;
    if (g->endpoint)
        return str_copy(out, NET_ENDPOINT_TEXT, g->endpoint);
    if (!g->address || !g->listen_port || net_addr_parse(g->address, &e.addr))
        return false;
    e.port = (uint16_t)g->listen_port;
    net_endpoint_format(e, out);
    return true;
}
