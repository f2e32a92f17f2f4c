/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/broker/view.h"
#include "base/str.h"
#include <stdio.h>

struct view_entry {
    uint64_t hash, round; /* round in which it was last offered */
    int64_t sent;         /* revision at which the agent was last told something about it */
    bool after_mark;      /* a bookmark of that revision had been sent before */
    bool gone;            /* a tombstone */
    bool tell;            /* what was told may not have arrived: tell again */
};

void view_done(struct view *v)
{
    map_for_each (it, &v->entries)
        free(it->value);
    map_done(&v->entries);
    *v = (struct view){0};
}

void view_reset(struct view *v)
{
    view_done(v);
}

int view_resume(struct view *v, int64_t since)
{
    if (!v->round || since < v->floor || since > v->last)
        return -ESTALE;
    map_for_each (it, &v->entries) {
        struct view_entry *e = it->value;
        e->tell |= e->sent > since || (e->sent == since && e->after_mark);
    }
    return 0;
}

void view_begin(struct view *v, int64_t revision)
{
    if (!v->round)
        v->floor = revision;
    if (revision > v->last)
        v->marked = false;
    v->last = MAX(v->last, revision);
    v->round++;
}

void view_bookmark(struct view *v)
{
    v->marked = true;
}

static void entry_key(char key[static VIEW_KEY_MAX], unsigned rank, const char *kind, const char *id)
{
    snprintf(key, VIEW_KEY_MAX, "%u %s %s", rank % 10, kind, id);
}

enum view_news view_offer(struct view *v, unsigned rank, const char *kind, const char *id, uint64_t hash)
{
    char key[VIEW_KEY_MAX];
    entry_key(key, rank, kind, id);
    struct view_entry *e = map_get(&v->entries, key);
    bool fresh = !e || e->gone;
    if (!e) {
        e = xalloc(sizeof(*e));
        (void)map_set(&v->entries, key, e);
    } else if (e->gone) {
        v->n_tombstones--;
    }
    bool same = !fresh && !e->tell && e->hash == hash;
    e->round = v->round;
    if (same)
        return VIEW_SAME;
    *e = (struct view_entry){.hash = hash, .round = v->round, .sent = v->last, .after_mark = v->marked};
    return fresh ? VIEW_ADDED : VIEW_MODIFIED;
}

static int key_falling(const void *x, const void *y)
{
    return strcmp(*(char *const *)y, *(char *const *)x);
}

/* Too many tombstones: forget them all, and what is older than the newest of them can no longer be resumed from. */
static void prune(struct view *v)
{
    if (v->n_tombstones <= VIEW_TOMBSTONES_MAX)
        return;
    BUF_AUTO keys = {0};
    map_for_each (it, &v->entries) {
        const struct view_entry *e = it->value;
        if (!e->gone)
            continue;
        char *key = str_dup(it->key);
        buf_append(&keys, &key, sizeof(key));
        v->floor = MAX(v->floor, e->sent + 1);
    }
    char **at = (char **)(void *)keys.data;
    for (size_t i = 0; i < keys.len / sizeof(*at); i++) {
        free(map_remove(&v->entries, at[i]));
        free(at[i]);
    }
    v->n_tombstones = 0;
}

static void tell_gone(const char *key, void (*gone)(void *arg, unsigned rank, const char *kind, const char *id),
                      void *arg)
{
    char kind[VIEW_KEY_MAX];
    const char *space = strchr(key + 2, ' ');
    str_copy(kind, MIN(sizeof(kind), (size_t)(space - key - 2) + 1), key + 2);
    gone(arg, (unsigned)(key[0] - '0'), kind, space + 1);
}

void view_end(struct view *v, void (*gone)(void *arg, unsigned rank, const char *kind, const char *id), void *arg)
{
    BUF_AUTO keys = {0};
    map_for_each (it, &v->entries) {
        struct view_entry *e = it->value;
        bool went = !e->gone && e->round != v->round;
        if (!went && !(e->gone && e->tell))
            continue;
        v->n_tombstones += went;
        *e = (struct view_entry){.round = v->round, .sent = v->last, .after_mark = v->marked, .gone = true};
        buf_append(&keys, &it->key, sizeof(it->key));
    }
    size_t n = keys.len / sizeof(char *);
    if (n)
        qsort(keys.data, n, sizeof(char *), key_falling);
    for (size_t i = 0; i < n; i++)
        tell_gone(((char **)(void *)keys.data)[i], gone, arg);
    prune(v);
}
