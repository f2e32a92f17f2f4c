/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: get, decisions, audit. */
#include "base/str.h"
#include "cli/ctl.h"
#include <stdio.h>
#include <unistd.h>

enum { PAGE_MAX = 500, FOLLOW_FIRST = 20, FOLLOW_US = 1000000, FOLLOW_ARENA = 64 << 20 };

/* Appends the elements of a JSON array to those already in out. */
static void join_arrays(struct buf *out, const char *array)
{
    size_t n = strlen(array);
    if (n <= 2)
        return;
    buf_putc(out, out->len ? ',' : '[');
    buf_append(out, array + 1, n - 2);
}

static int print_json_list(const struct cli *cli, struct buf *items)
{
    BUF_AUTO all = {0}, out = {0};
    buf_printf(&all, "{\"items\":%s%s}", items->len ? buf_str(items) : "[", "]");
    if (cli_print_json(cli_format_parse(cli_value(cli, "output")), all.data, all.len, &out))
        return cli_fail(cli, CLI_FAILURE, "the server's list cannot be read");
    return cli_write(&out);
}

/* All records that were read, as one array. */
struct collected {
    char *items;
    size_t n;
    struct buf raw;
};

static void collect(struct collected *all, const struct kind *kind, const struct page *page)
{
    size_t size = kind->rec->size;
    char *items = realloc(all->items, (all->n + page->n + 1) * size);
    if (!items)
        abort();
    all->items = items;
    if (page->n)
        memcpy(items + all->n * size, page->items, page->n * size);
    all->n += page->n;
    join_arrays(&all->raw, page->raw);
}

static int read_list(const struct cli *cli, const struct kind *kind, int64_t limit, struct collected *all, bool *more)
{
    struct page page = {0};
    *more = false;
    for (int64_t left = limit; left > 0; left -= (int64_t)page.n) {
        const struct page_query q = {
            .limit = MIN(left, PAGE_MAX), .filter = cli_value(cli, "filter"), .cursor = page.next_cursor};
        int r = ctl_list(cli, kind, &q, &ctl_of(cli)->arena, &page);
        if (r)
            return r;
        collect(all, kind, &page);
        *more = page.next_cursor != NULL;
        if (!page.next_cursor || !page.n)
            break;
    }
    return CLI_OK;
}

static int print_collected(const struct cli *cli, const struct kind *kind, struct collected *all)
{
    enum cli_format format = cli_format_parse(cli_value(cli, "output"));
    BUF_AUTO out = {0};
    if (format == CLI_JSON || format == CLI_YAML)
        return print_json_list(cli, &all->raw);
    ctl_print_items(cli, kind, all->items, all->n, &out);
    return cli_write(&out);
}

static int get_list(const struct cli *cli, const struct kind *kind)
{
    struct collected all = {0};
    int64_t limit;
    bool more = false;
    int r = cli_number(cli, "limit", 1, 1000000, &limit);
    if (!r)
        r = read_list(cli, kind, limit, &all, &more);
    if (!r)
        r = print_collected(cli, kind, &all);
    if (!r && more)
        cli_note(cli, "there are more; ask with --limit");
    free(all.items);
    buf_done(&all.raw);
    return r;
}

int run_get(struct cli *cli, int argc, char **argv)
{
    REST_ANSWER_AUTO answer = {0};
    const struct kind *kind = ctl_kind(cli, argv[0]);
    if (!kind)
        return CLI_USAGE;
    int r = ctl_open(cli);
    if (r)
        return r;
    if (argc == 1)
        return get_list(cli, kind);
    r = ctl_get(cli, kind, argv[1], NULL, &answer);
    return r ? r : ctl_print(cli, kind, &answer.body);
}

/* --- following a list whose newest comes first --- */

struct follow {
    const struct cli *cli;
    const struct kind *kind;
    struct map seen; /* ids of the page before */
    bool started;
};

/* One record in a line of its own; the heading of a table was printed before. */
static int print_new(const struct follow *f, const void *item)
{
    BUF_AUTO out = {0};
    enum cli_format format = cli_format_parse(cli_value(f->cli, "output"));
    if (format == CLI_JSON) {
        rec_encode(f->kind->rec, item, 0, &out);
        buf_putc(&out, '\n');
        return cli_write(&out);
    }
    ctl_print_items(f->cli, f->kind, item, 1, &out);
    const char *line = format == CLI_TABLE || format == CLI_WIDE ? strchr(buf_str(&out), '\n') : NULL;
    if (line)
        buf_consume(&out, (size_t)(line + 1 - out.data));
    return cli_write(&out);
}

static int print_page(struct follow *f, const struct page *page, size_t newest)
{
    struct map now = {0};
    BUF_AUTO id = {0};
    int r = CLI_OK;
    for (size_t i = page->n; i-- > 0;) {
        const void *item = (const char *)page->items + i * f->kind->rec->size;
        const char *key = kind_text(f->kind->rec, item, "id", &id);
        map_set(&now, key, f);
        if (!r && i < newest && !map_get(&f->seen, key))
            r = print_new(f, item);
    }
    map_done(&f->seen);
    f->seen = now;
    return r;
}

static int follow_once(struct follow *f)
{
    struct arena a;
    struct page page;
    arena_init(&a, FOLLOW_ARENA);
    const struct page_query q = {.limit = PAGE_MAX, .filter = cli_value(f->cli, "filter")};
    int r = ctl_list(f->cli, f->kind, &q, &a, &page);
    if (!r) {
        r = print_page(f, &page, f->started ? page.n : FOLLOW_FIRST);
        f->started = true;
    }
    arena_done(&a);
    return r;
}

static int follow(const struct cli *cli, const struct kind *kind)
{
    struct follow f = {.cli = cli, .kind = kind};
    enum cli_format format = cli_format_parse(cli_value(cli, "output"));
    BUF_AUTO heading = {0};
    if (format == CLI_TABLE || format == CLI_WIDE)
        ctl_print_items(cli, kind, NULL, 0, &heading);
    int r = cli_write(&heading);
    while (!r) {
        r = follow_once(&f);
        if (r == CLI_UNREACHABLE && f.started)
            r = CLI_OK; /* it was told; a server that restarts comes back */
        usleep(FOLLOW_US);
    }
    map_done(&f.seen);
    return r;
}

static int run_log(struct cli *cli, const char *plural)
{
    const struct kind *kind = kind_find(plural);
    int r = ctl_open(cli);
    if (r)
        return r;
    return cli_switch(cli, "follow") ? follow(cli, kind) : get_list(cli, kind);
}

int run_decisions(struct cli *cli, int argc, char **argv)
{
    return run_log(cli, "decisions");
}

int run_audit(struct cli *cli, int argc, char **argv)
{
    return run_log(cli, "audit-events");
}
