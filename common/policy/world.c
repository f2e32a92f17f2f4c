/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/world.h"
#include "base/buf.h"
#include "base/str.h"

/* The caller built the input from its own tables; a reference out of range is a bug, never a stranger's doing. */
static void check_index(size_t index, size_t n)
{
    if (index >= n)
        abort();
}

static void *take(struct policy_world *w, size_t n, size_t size)
{
    void *p = arena_array(&w->memory, n, size);
    if (!p)
        abort();
    return p;
}

static const char *copy_text(struct policy_world *w, const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(take(w, n, 1), s, n);
}

static const char *const *copy_texts(struct policy_world *w, const char *const *texts, size_t n)
{
    const char **copy = take(w, n, sizeof(*copy));
    for (size_t i = 0; i < n; i++)
        copy[i] = copy_text(w, texts[i]);
    return copy;
}

/* Copies n nodes and what is below them; nodes deeper than the evaluator looks lose their children. */
static const struct policy_cond *copy_conds(struct policy_world *w, const struct policy_cond *conds, size_t n,
                                            unsigned depth)
{
    struct policy_cond *copy = take(w, n, sizeof(*copy));
    for (size_t i = 0; i < n; i++) {
        const struct policy_cond *from = &conds[i];
        struct net_prefix *prefixes = take(w, from->n_prefixes, sizeof(*prefixes));
        copy[i] = *from;
        if (from->n_prefixes)
            memcpy(prefixes, from->prefixes, from->n_prefixes * sizeof(*prefixes));
        copy[i].prefixes = prefixes;
        copy[i].fact = from->fact ? copy_text(w, from->fact) : NULL;
        copy[i].texts = copy_texts(w, from->texts, from->n_texts);
        if (depth < POLICY_COND_DEPTH_MAX)
            copy[i].children = copy_conds(w, from->children, from->n_children, depth + 1);
        else
            copy[i].n_children = 0;
    }
    return copy;
}

static void number(struct map *numbers, const char *id, size_t index)
{
    (void)map_set(numbers, id, (void *)(index + 1));
}

static int u32_compare(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

/* Most people are in few groups: then this is three times as fast as qsort(), and it is most of the building. */
static void sort_numbers(uint32_t *v, size_t n)
{
    if (n > 64) {
        qsort(v, n, sizeof(*v), u32_compare);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        uint32_t x = v[i];
        size_t k = i;
        for (; k > 0 && v[k - 1] > x; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

/* The groups of each member, one member after the other: first people, then groups. */
struct membership {
    uint32_t *groups;
    size_t *from; /* where the groups of member i begin; one entry more than there are members */
    size_t n_people;
};

static size_t member_slot(const struct policy_input *in, const struct policy_member_in *m)
{
    return m->member_is_group ? in->n_people + m->member : m->member;
}

/* Counting sort: there are many more memberships than anything else. */
static struct membership membership_of(const struct policy_input *in)
{
    size_t n = in->n_people + in->n_groups;
    struct membership m = {xalloc((in->n_members + 1) * sizeof(uint32_t)), xalloc((n + 2) * sizeof(size_t)),
                           in->n_people};
    for (size_t i = 0; i < in->n_members; i++)
        m.from[member_slot(in, &in->members[i]) + 2]++;
    for (size_t i = 2; i < n + 2; i++)
        m.from[i] += m.from[i - 1];
    for (size_t i = 0; i < in->n_members; i++)
        m.groups[m.from[member_slot(in, &in->members[i]) + 1]++] = in->members[i].group;
    return m;
}

/* Adds the groups of a member that were not seen yet; `seen` holds the stamp of the last visitor. */
static void climb(const struct membership *m, size_t member, uint32_t *seen, uint32_t stamp, struct buf *found)
{
    for (size_t row = m->from[member]; row < m->from[member + 1]; row++) {
        if (seen[m->groups[row]] == stamp)
            continue;
        seen[m->groups[row]] = stamp;
        buf_append(found, &m->groups[row], sizeof(uint32_t));
    }
}

/* All groups of a person, nearest first, breadth first: a cycle of groups ends where it began. */
static void person_groups(struct policy_world *w, const struct membership *m, uint32_t person, uint32_t *seen,
                          struct buf *found)
{
    struct world_person *p = &w->people[person];
    buf_reset(found);
    climb(m, person, seen, person + 1, found);
    for (size_t i = 0; i < found->len / sizeof(uint32_t); i++)
        climb(m, m->n_people + ((uint32_t *)(void *)found->data)[i], seen, person + 1, found);
    uint32_t *groups = take(w, found->len, 1);
    if (found->len)
        memcpy(groups, found->data, found->len);
    p->n_groups = (uint32_t)(found->len / sizeof(uint32_t));
    sort_numbers(groups, p->n_groups);
    p->groups = groups;
}

static void add_people(struct policy_world *w, const struct policy_input *in)
{
    for (size_t i = 0; i < in->n_members; i++) {
        check_index(in->members[i].group, in->n_groups);
        check_index(in->members[i].member, in->members[i].member_is_group ? in->n_groups : in->n_people);
    }
    struct membership m = membership_of(in);
    uint32_t *seen = xalloc((in->n_groups + 1) * sizeof(*seen));
    BUF_AUTO found = {0};
    w->n_people = in->n_people;
    w->people = take(w, in->n_people, sizeof(*w->people));
    for (size_t i = 0; i < in->n_people; i++) {
        w->people[i].disabled = in->people[i].disabled;
        number(&w->person_numbers, in->people[i].id, i);
        person_groups(w, &m, (uint32_t)i, seen, &found);
    }
    free(seen);
    free(m.groups);
    free(m.from);
}

static void add_devices(struct policy_world *w, const struct policy_input *in)
{
    w->n_devices = in->n_devices;
    w->devices = take(w, in->n_devices, sizeof(*w->devices));
    for (size_t i = 0; i < in->n_devices; i++) {
        if (in->devices[i].person != POLICY_NONE)
            check_index(in->devices[i].person, in->n_people);
        w->devices[i] = (struct world_device){in->devices[i].person, in->devices[i].blocked};
        number(&w->device_numbers, in->devices[i].id, i);
    }
}

static void add_resources(struct policy_world *w, const struct policy_input *in)
{
    w->n_resources = in->n_resources;
    w->resources = take(w, in->n_resources, sizeof(*w->resources));
    for (size_t i = 0; i < in->n_resources; i++) {
        const struct policy_resource_in *from = &in->resources[i];
        struct policy_box *boxes = take(w, from->n_boxes, sizeof(*boxes));
        check_index(from->site, in->n_sites);
        if (from->n_boxes)
            memcpy(boxes, from->boxes, from->n_boxes * sizeof(*boxes));
        w->resources[i] = (struct world_resource){
            .id = copy_text(w, from->id), .site = from->site, .boxes = boxes, .n_boxes = from->n_boxes};
        number(&w->resource_numbers, from->id, i);
    }
}

static int rule_compare(const void *x, const void *y)
{
    const struct policy_rule_in *a = *(const struct policy_rule_in *const *)x;
    const struct policy_rule_in *b = *(const struct policy_rule_in *const *)y;
    if (a->resource != b->resource)
        return a->resource < b->resource ? -1 : 1;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return strcmp(a->id, b->id);
}

static void add_rules(struct policy_world *w, const struct policy_input *in)
{
    const struct policy_rule_in **sorted = xalloc((in->n_rules + 1) * sizeof(*sorted));
    for (size_t i = 0; i < in->n_rules; i++) {
        check_index(in->rules[i].group, in->n_groups);
        check_index(in->rules[i].resource, in->n_resources);
        if (!in->rules[i].disabled)
            sorted[w->n_rules++] = &in->rules[i];
    }
    qsort(sorted, w->n_rules, sizeof(*sorted), rule_compare);
    w->rules = take(w, w->n_rules, sizeof(*w->rules));
    w->rule_groups = take(w, w->n_rules, sizeof(*w->rule_groups));
    for (size_t i = 0; i < w->n_rules; i++) {
        const struct policy_rule_in *from = sorted[i];
        struct world_resource *resource = &w->resources[from->resource];
        w->rules[i] = (struct world_rule){copy_text(w, from->id), from->effect,
                                          from->cond ? copy_conds(w, from->cond, 1, 0) : NULL};
        w->rule_groups[i] = from->group;
        if (resource->rules == resource->rules_end)
            resource->rules = (uint32_t)i;
        resource->rules_end = (uint32_t)i + 1;
    }
    free(sorted);
}

static void partition_site(struct policy_world *w, uint32_t site, policy_hash *hash)
{
    BUF_AUTO covers = {0};
    for (size_t i = 0; i < w->n_resources; i++)
        for (size_t k = 0; w->resources[i].site == site && k < w->resources[i].n_boxes; k++) {
            struct policy_cover cover = {w->resources[i].boxes[k], (uint32_t)i};
            buf_append(&covers, &cover, sizeof(cover));
        }
    const struct policy_cover *at = (const struct policy_cover *)(const void *)covers.data;
    w->sites[site] = policy_partition_new(at, covers.len / sizeof(*at), hash);
}

/* Gives each resource the list of its classes: count, allot, fill. */
static void link_classes(struct policy_world *w, const struct policy_partition *site)
{
    for (size_t i = 0; i < site->n_classes; i++)
        for (size_t k = 0; k < site->classes[i].n_resources; k++)
            w->resources[site->classes[i].resources[k]].n_classes++;
    for (size_t i = 0; i < site->n_classes; i++)
        for (size_t k = 0; k < site->classes[i].n_resources; k++) {
            struct world_resource *resource = &w->resources[site->classes[i].resources[k]];
            if (!resource->classes) {
                resource->classes = take(w, resource->n_classes, sizeof(*resource->classes));
                resource->n_classes = 0;
            }
            resource->classes[resource->n_classes++] = &site->classes[i];
        }
}

struct policy_world *policy_world_build(const struct policy_input *in, policy_hash *hash)
{
    struct policy_world *w = xalloc(sizeof(*w));
    arena_init(&w->memory, SIZE_MAX);
    add_people(w, in);
    add_devices(w, in);
    add_resources(w, in);
    add_rules(w, in);
    w->n_sites = in->n_sites;
    w->sites = take(w, in->n_sites, sizeof(struct policy_partition *));
    for (size_t i = 0; i < in->n_sites; i++) {
        partition_site(w, (uint32_t)i, hash);
        link_classes(w, w->sites[i]);
    }
    return w;
}

void policy_world_free(struct policy_world *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_sites; i++)
        policy_partition_free(w->sites[i]);
    map_done(&w->person_numbers);
    map_done(&w->device_numbers);
    map_done(&w->resource_numbers);
    arena_done(&w->memory);
    free(w);
}

static uint32_t number_of(const struct map *numbers, const char *id)
{
    uintptr_t found = id ? (uintptr_t)map_get(numbers, id) : 0;
    return found ? (uint32_t)(found - 1) : POLICY_NONE;
}

uint32_t policy_person(const struct policy_world *w, const char *id)
{
    return number_of(&w->person_numbers, id);
}

uint32_t policy_device(const struct policy_world *w, const char *id)
{
    return number_of(&w->device_numbers, id);
}

uint32_t policy_resource(const struct policy_world *w, const char *id)
{
    return number_of(&w->resource_numbers, id);
}

const char *policy_rule_id(const struct policy_world *w, uint32_t rule)
{
    return w->rules[rule].id;
}

const char *policy_resource_id(const struct policy_world *w, uint32_t resource)
{
    return w->resources[resource].id;
}

size_t policy_n_resources(const struct policy_world *w)
{
    return w->n_resources;
}

uint32_t policy_resource_site(const struct policy_world *w, uint32_t resource)
{
    return w->resources[resource].site;
}

size_t policy_resource_n_classes(const struct policy_world *w, uint32_t resource)
{
    return resource < w->n_resources ? w->resources[resource].n_classes : 0;
}

const struct policy_partition *policy_site_classes(const struct policy_world *w, uint32_t site)
{
    return w->sites[site];
}
