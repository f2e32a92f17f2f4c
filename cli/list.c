/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: reading pages, and showing records with names in the place of ids. */
#include "base/str.h"
#include "cli/ctl.h"

enum { NAMES_MAX = 1000, PAGE_MAX = 500 };

static void put_query(const struct kind *kind, const struct page_query *q, struct buf *out)
{
    ctl_path(kind, NULL, NULL, out);
    buf_printf(out, "?limit=%lld", (long long)q->limit);
    if (q->filter) {
        buf_puts(out, "&filter=");
        rest_escape(q->filter, out);
    }
    if (q->cursor) {
        buf_puts(out, "&cursor=");
        rest_escape(q->cursor, out);
    }
}

/* The envelope of a list of any record: its items once as records, once as they are. */
struct envelope {
    void *items;
    size_t n_items;
    const char *next_cursor;
};
struct raw_envelope {
    const char *items;
};

static int decode_page(const struct kind *kind, const struct buf *json, struct arena *a, struct page *out)
{
    const struct rec_field fields[] = {
        {"items", "", REC_LIST, REC_REQUIRED, offsetof(struct envelope, items), offsetof(struct envelope, n_items), 0,
         0, kind->rec},
        {"next_cursor", "", REC_STR, 0, offsetof(struct envelope, next_cursor), 0, 0, 0, NULL},
    };
    static const struct rec_field raw_fields[] = {
        {"items", "", REC_JSON, REC_REQUIRED, offsetof(struct raw_envelope, items), 0, 0, 0, NULL},
    };
    const struct rec rec = {"page", sizeof(struct envelope), ARRAY_LEN(fields), fields};
    static const struct rec raw_rec = {"page", sizeof(struct raw_envelope), ARRAY_LEN(raw_fields), raw_fields};
    struct envelope page;
    struct raw_envelope raw;
    struct rec_errors errors;
    int r = rec_decode(&rec, REC_AGENT, buf_str(json), json->len, a, &page, &errors);
    if (!r)
        r = rec_decode(&raw_rec, REC_AGENT, buf_str(json), json->len, a, &raw, &errors);
    if (!r)
        *out = (struct page){page.items, page.n_items, raw.items, page.next_cursor};
    return r;
}

int ctl_list(const struct cli *cli, const struct kind *kind, const struct page_query *q, struct arena *a,
             struct page *out)
{
    BUF_AUTO path = {0};
    REST_ANSWER_AUTO answer;
    put_query(kind, q, &path);
    int r = rest_do(cli, ctl_of(cli)->rest, &(struct rest_call){.method = "GET", .path = buf_str(&path)}, &answer);
    if (!r && decode_page(kind, &answer.body, a, out))
        return cli_fail(cli, CLI_FAILURE, "the server's list of %s cannot be read", kind->plural);
    return r;
}

/* --- names for ids --- */

static void remember_names(struct ctl *ctl, const struct kind *kind, const struct page *page)
{
    BUF_AUTO id = {0}, name = {0};
    for (size_t i = 0; i < page->n; i++) {
        const char *item = (const char *)page->items + i * kind->rec->size;
        const char *key = kind_text(kind->rec, item, "id", &id);
        const char *text = kind_text(kind->rec, item, kind->name_field, &name);
        if (*key && *text)
            free(map_set(&ctl->names, key, str_dup(text)));
    }
}

/* A reader who may not see the list, or a very long list, leaves ids as they are. */
static void load_names(const struct cli *cli, const struct kind *kind)
{
    struct ctl *ctl = ctl_of(cli);
    if (map_set(&ctl->loaded, kind->plural, ctl))
        return;
    const char *cursor = NULL;
    for (size_t n = 0; n < NAMES_MAX;) {
        BUF_AUTO path = {0};
        REST_ANSWER_AUTO answer;
        struct page page;
        put_query(kind, &(struct page_query){.limit = PAGE_MAX, .cursor = cursor}, &path);
        if (!rest_call(ctl->rest, &(struct rest_call){.method = "GET", .path = buf_str(&path)}, &answer) ||
            answer.status != 200 || decode_page(kind, &answer.body, &ctl->arena, &page))
            return;
        remember_names(ctl, kind, &page);
        n += page.n;
        cursor = page.next_cursor;
        if (!cursor)
            return;
    }
}

static bool put_port(const struct rec_field *f, const void *item, struct buf *out)
{
    const struct resource *r = item;
    if (f->type != REC_LIST || f->extra != &port_range_rec)
        return false;
    if (!r->n_ports) /* an empty cell would look like none */
        buf_puts(out, "any");
    for (size_t i = 0; i < r->n_ports; i++) {
        const struct port_range *p = &r->ports[i];
        buf_printf(out, "%s%s", i ? "," : "", protocol_names[p->protocol]);
        if (p->first)
            buf_printf(out, "/%d", (int)p->first);
        if (p->last > p->first)
            buf_printf(out, "-%d", (int)p->last);
    }
    return true;
}

static bool put_cell(const void *arg, const struct rec_field *f, const void *item, struct buf *out)
{
    const struct cli *cli = arg;
    const struct kind *kind = kind_referred(f);
    if (!kind || !kind->name_field)
        return put_port(f, item, out);
    BUF_AUTO id = {0};
    cli_cell(f, item, &id);
    if (!id.len)
        return false;
    load_names(cli, kind);
    const char *name = map_get(&ctl_of(cli)->names, buf_str(&id));
    buf_puts(out, name ? name : buf_str(&id));
    return true;
}

void ctl_print_items(const struct cli *cli, const struct kind *kind, const void *items, size_t n, struct buf *out)
{
    const struct cli_records records = {.rec = kind->rec,
                                        .items = items,
                                        .n = n,
                                        .columns = kind->columns,
                                        .wide = kind->wide,
                                        .name = kind->name_field ? kind->name_field : "id",
                                        .cell = put_cell,
                                        .arg = cli};
    cli_print_records(cli_format_parse(cli_value(cli, "output")), &records, out);
}

/* What is shown only once must not be hidden by a table: it is then all that is printed. */
static bool print_secret(const struct cli *cli, const struct rec *r, const void *item, struct buf *out)
{
    for (const struct rec_field *f = r->fields; f < r->fields + r->n_fields; f++) {
        if (!(f->flags & REC_SECRET) || rec_absent(f, item))
            continue;
        cli_cell(f, item, out);
        buf_putc(out, '\n');
        cli_note(cli, "keep this %s: it is not shown again", f->name);
        return true;
    }
    return false;
}

int ctl_print(const struct cli *cli, const struct kind *kind, const struct buf *json)
{
    enum cli_format format = cli_format_parse(cli_value(cli, "output"));
    struct arena *a = &ctl_of(cli)->arena;
    struct rec_errors errors;
    BUF_AUTO out = {0};
    void *item = arena_alloc(a, kind->rec->size);
    if (!item)
        abort();
    if (rec_decode(kind->rec, REC_AGENT, buf_str(json), json->len, a, item, &errors))
        return cli_fail(cli, CLI_FAILURE, "the server's answer cannot be read: %s %s", errors.at[0].pointer,
                        errors.at[0].detail);
    if (format == CLI_JSON || format == CLI_YAML) {
        if (cli_print_json(format, buf_str(json), json->len, &out))
            return cli_fail(cli, CLI_FAILURE, "the server's answer cannot be read");
    } else if (format == CLI_NAME || !print_secret(cli, kind->rec, item, &out)) {
        ctl_print_items(cli, kind, item, 1, &out);
    }
    return cli_write(&out);
}
