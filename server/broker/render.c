/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/broker/render.h"
#include "base/clock.h"
#include "server/broker/ledger.h"

#define RENDER_MEMORY ((size_t)256 << 20)

static void line_begin(struct buf *out, const char *type, int64_t at_ms)
{
    buf_printf(out, "{\"type\":\"%s\",\"at_ms\":%lld", type, (long long)at_ms);
}

/* Kinds, ids, revisions and reasons are ours: letters, digits and punctuation that JSON takes as it is. */
static void line_head(struct rendering *r, struct buf *out, const char *type, const char *kind, const char *id)
{
    line_begin(out, type, r->at_ms);
    buf_printf(out, ",\"kind\":\"%s\",\"id\":\"%s\",\"revision\":\"%s\"", kind, id, r->revision);
    r->n_lines++;
}

static void line_item(struct rendering *r, const char *type, const char *kind, const char *id, const struct rec *rec,
                      const void *record)
{
    line_head(r, r->changed, type, kind, id);
    buf_puts(r->changed, ",\"item\":");
    rec_encode(rec, record, 0, r->changed);
    buf_puts(r->changed, "}\n");
}

void render_offer(struct rendering *r, unsigned rank, const char *kind, const char *id, const struct rec *rec,
                  void *record, int64_t *valid_for_ms, int64_t until_us)
{
    if (valid_for_ms)
        *valid_for_ms = MAX(until_us / 1000, 0); /* the hash must not change as time goes by */
    buf_reset(r->scratch);
    rec_encode(rec, record, 0, r->scratch);
    enum view_news news = view_offer(r->view, rank, kind, id, map_hash(r->scratch->data, r->scratch->len));
    if (news == VIEW_SAME)
        return;
    if (valid_for_ms)
        *valid_for_ms = MAX((until_us - r->now_us) / 1000, 0);
    line_item(r, news == VIEW_ADDED ? "added" : "modified", kind, id, rec, record);
}

bool render_offer_constant(struct rendering *r, unsigned rank, const char *kind, const char *id)
{
    return view_offer(r->view, rank, kind, id, 1) != VIEW_SAME;
}

void render_send(struct rendering *r, const char *kind, const char *id, const struct rec *rec, const void *record)
{
    line_item(r, "added", kind, id, rec, record);
}

static void on_gone(void *arg, unsigned rank, const char *kind, const char *id)
{
    struct rendering *r = arg;
    struct buf *out = rank == RANK_CLASS ? r->removed_last : r->removed;
    const char *reason = map_get(&r->b->obituaries, id);
    if (rank == RANK_RESOURCE)
        reason = render_resource_reason(r, r->agent->id, id);
    else if (reason && rank != RANK_GRANT)
        reason = ending_user_text(reason);
    line_head(r, out, "deleted", kind, id);
    if (reason)
        buf_printf(out, ",\"reason\":\"%s\"", reason);
    buf_puts(out, "}\n");
}

static int render_items(struct rendering *r, const struct agent *agent)
{
    return agent->kind == AGENT_GATEWAY ? render_gateway(r, agent->id) : render_client(r, agent->id);
}

int render(struct broker *b, struct agent *agent, int64_t at_ms, struct buf *out, size_t *n_lines)
{
    struct arena arena;
    char revision[REVISION_TEXT_LEN];
    BUF_AUTO removed = {0}, changed = {0}, removed_last = {0}, scratch = {0};
    struct rendering r = {.b = b,
                          .agent = agent,
                          .view = &agent->view,
                          .arena = &arena,
                          .revision = revision,
                          .at_ms = at_ms,
                          .now_us = clock_wall_us(),
                          .removed = &removed,
                          .changed = &changed,
                          .removed_last = &removed_last,
                          .scratch = &scratch};
    arena_init(&arena, RENDER_MEMORY);
    revision_format(b->epoch, b->revision, revision);
    view_begin(&agent->view, b->revision);
    int result = render_items(&r, agent);
    if (!result) {
        view_end(&agent->view, on_gone, &r);
        buf_append(out, removed.data, removed.len);
        buf_append(out, changed.data, changed.len);
        buf_append(out, removed_last.data, removed_last.len);
    }
    *n_lines = r.n_lines;
    arena_done(&arena);
    return result;
}

void render_bookmark(const char *revision, int64_t at_ms, bool initial_end, struct buf *out)
{
    line_begin(out, "bookmark", at_ms);
    buf_printf(out, ",\"revision\":\"%s\"%s}\n", revision, initial_end ? ",\"initial_end\":true" : "");
}

void render_error(const char *reason, int64_t at_ms, struct buf *out)
{
    line_begin(out, "error", at_ms);
    buf_printf(out, ",\"reason\":\"%s\"}\n", reason);
}
