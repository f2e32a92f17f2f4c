/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store.h"
#include "base/str.h"

void store_init(struct store *s, const struct event_role *role)
{
    *s = (struct store){.role = role};
}

static void item_free(struct store_item *item)
{
    arena_done(&item->memory);
    free(item);
}

void store_done(struct store *s)
{
    for (size_t i = 0; i < s->n; i++)
        item_free(s->items[i]);
    free(s->items);
    *s = (struct store){.role = s->role};
}

static int compare(const struct store_item *item, unsigned kind, const char *id)
{
    if (item->kind != kind)
        return item->kind < kind ? -1 : 1;
    return strcmp(item->id, id);
}

/* Index of the first item that is not before (kind, id). */
static size_t lower_bound(const struct store *s, unsigned kind, const char *id)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (compare(s->items[mid], kind, id) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool is_at(const struct store *s, size_t i, unsigned kind, const char *id)
{
    return i < s->n && compare(s->items[i], kind, id) == 0;
}

static void remove_at(struct store *s, size_t i)
{
    item_free(s->items[i]);
    s->n--;
    memmove(s->items + i, s->items + i + 1, (s->n - i) * sizeof(*s->items));
}

static void insert_at(struct store *s, size_t i, struct store_item *item)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 16;
        s->items = realloc(s->items, s->cap * sizeof(*s->items));
        if (!s->items)
            abort();
    }
    memmove(s->items + i + 1, s->items + i, (s->n - i) * sizeof(*s->items));
    s->items[i] = item;
    s->n++;
}

void store_list_begin(struct store *s)
{
    for (size_t i = 0; i < s->n; i++)
        s->items[i]->listed = false;
}

size_t store_list_end(struct store *s)
{
    size_t kept = 0, n = s->n;
    for (size_t i = 0; i < n; i++) {
        if (s->items[i]->listed)
            s->items[kept++] = s->items[i];
        else
            item_free(s->items[i]);
    }
    s->n = kept;
    return n - kept;
}

bool store_apply(struct store *s, struct event *e, int64_t started_ms)
{
    if (e->type != EVENT_ADDED && e->type != EVENT_MODIFIED && e->type != EVENT_DELETED)
        return false;
    size_t i = lower_bound(s, e->kind, e->id);
    bool known = is_at(s, i, e->kind, e->id);
    if (known)
        remove_at(s, i);
    if (e->type == EVENT_DELETED)
        return known;
    struct store_item *item = xalloc(sizeof(*item));
    *item = (struct store_item){
        .kind = e->kind,
        .id = e->id,
        .until_ms = event_until_ms(&s->role->kinds[e->kind], e->item, started_ms, e->at_ms),
        .record = e->item,
        .memory = e->memory,
        .listed = true,
    };
    arena_init(&e->memory, 0); /* the item has it now */
    insert_at(s, i, item);
    return true;
}

const struct store_item *store_find(const struct store *s, unsigned kind, const char *id, int64_t now_ms)
{
    size_t i = lower_bound(s, kind, id);
    return is_at(s, i, kind, id) && s->items[i]->until_ms > now_ms ? s->items[i] : NULL;
}

static const struct store_item *living_from(const struct store *s, size_t i, unsigned kind, int64_t now_ms)
{
    for (; i < s->n && s->items[i]->kind == kind; i++)
        if (s->items[i]->until_ms > now_ms)
            return s->items[i];
    return NULL;
}

const struct store_item *store_first(const struct store *s, unsigned kind, int64_t now_ms)
{
    return living_from(s, lower_bound(s, kind, ""), kind, now_ms);
}

const struct store_item *store_next(const struct store *s, const struct store_item *after, int64_t now_ms)
{
    return living_from(s, lower_bound(s, after->kind, after->id) + 1, after->kind, now_ms);
}

int64_t store_next_end(const struct store *s, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i]->until_ms > now_ms)
            next = MIN(next, s->items[i]->until_ms);
    return next;
}
