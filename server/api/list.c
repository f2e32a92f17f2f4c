/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/str.h"
#include "server/api/api.h"
#include "server/api/crud.h"
#include "server/api/filter.h"
#include "server/api/query.h"

/* A page also ends where its text would not fit into one answer any more. */
enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 500, PAGE_BYTES_MAX = 1 << 20 };

struct list_request {
    uint64_t limit;
    struct filter filter;
    const char *scope; /* what a cursor is bound to */
    char after[ID_LEN_MAX];
};

static int read_cursor(struct request *req, struct response *res, const char *text, struct list_request *out)
{
    switch (cursor_read(api_cursor_key(), out->scope, text, out->after)) {
    case CURSOR_INVALID:
        return problem(req, res, PROBLEM_CURSOR_INVALID, NULL);
    case CURSOR_MISMATCH:
        return problem(req, res, PROBLEM_CURSOR_MISMATCH, "start again without cursor when the filter changes");
    case CURSOR_OK:
        break;
    }
    return 0;
}

static int parse_filter(struct request *req, struct response *res, const struct noun *noun, const char *text,
                        struct list_request *out)
{
    const char *why = NULL;
    if (text && filter_parse(text, noun->filters, req->arena, &out->filter, &why))
        return problem(req, res, PROBLEM_FILTER_INVALID, why);
    out->scope = out->filter.field
                     ? arena_printf(req->arena, "%s?%s=%s", noun->path, out->filter.field, out->filter.value)
                     : noun->path;
    return out->scope ? 0 : -ENOMEM;
}

static int parse(struct request *req, struct response *res, const struct noun *noun, struct list_request *out)
{
    static const char *const known[] = {"limit", "cursor", "filter", NULL};
    const char *why = NULL, *value;
    struct query query;
    *out = (struct list_request){.limit = LIMIT_DEFAULT};
    if (query_parse(req->query, req->arena, &query, &why))
        return problem(req, res, PROBLEM_BAD_REQUEST, why);
    if ((value = query_unknown(&query, known)))
        return problemf(req, res, PROBLEM_BAD_REQUEST, "this list knows no parameter %.64s", value);
    if ((value = query_get(&query, "limit")) && parse_u64(value, 1, LIMIT_MAX, &out->limit))
        return problemf(req, res, PROBLEM_BAD_REQUEST, "limit must be a number from 1 to %d", LIMIT_MAX);
    int r = parse_filter(req, res, noun, query_get(&query, "filter"), out);
    if (!r && (value = query_get(&query, "cursor")))
        r = read_cursor(req, res, value, out);
    return r;
}

/* One row more than asked for tells whether there is a next page. */
static int select_rows(struct request *req, const struct noun *noun, const struct list_request *l, void **rows,
                       size_t *n)
{
    struct db_arg v[2 + NOUN_FILTERS_MAX] = {
        DB_STR("after", *l->after ? l->after : NULL),
        DB_INT("limit", (int64_t)l->limit + 1),
    };
    size_t n_args = 2;
    for (const char *const *f = noun->filters; *f; f++)
        v[n_args++] =
            (struct db_arg)DB_STR(*f, l->filter.field && str_eq(l->filter.field, *f) ? l->filter.value : NULL);
    return db_all(req->db, noun->sql_list, &(struct db_args){.v = v, .n = n_args}, req->arena, rows, n);
}

static void answer(struct request *req, struct response *res, const struct noun *noun, const struct list_request *l,
                   const char *revision, const char *rows, size_t n)
{
    size_t shown = 0;
    buf_puts(&res->body, "{\"items\":[");
    while (shown < MIN(n, (size_t)l->limit) && res->body.len < PAGE_BYTES_MAX) {
        if (shown)
            buf_putc(&res->body, ',');
        rec_encode(noun->rec, rows + shown++ * noun->rec->size, 0, &res->body);
    }
    buf_puts(&res->body, "],\"next_cursor\":");
    if (n > shown) {
        char cursor[CURSOR_TEXT_LEN];
        cursor_make(api_cursor_key(), l->scope, noun_id(noun, rows + (shown - 1) * noun->rec->size), cursor);
        buf_printf(&res->body, "\"%s\"", cursor);
    } else {
        buf_puts(&res->body, "null");
    }
    buf_printf(&res->body, ",\"revision\":\"%s\"}", revision);
    response_header(res, "content-type", "application/json");
    res->status = 200;
}

int crud_list(struct request *req, struct response *res)
{
    const struct noun *noun = noun_of(req->route->pattern);
    struct list_request l;
    void *rows;
    size_t n;
    int r = parse(req, res, noun, &l);
    if (r)
        return r;
    /* Read before the rows, so that whoever watches from this revision on misses nothing. */
    char revision[REVISION_TEXT_LEN];
    struct hub_state state = hub_state(core_hub(req->core));
    revision_format(state.epoch, state.revision, revision);
    r = select_rows(req, noun, &l, &rows, &n);
    if (!r)
        answer(req, res, noun, &l, revision, rows, n);
    return r;
}
