/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ctl.h"
#include "base/file.h"
#include "base/id.h"
#include "base/str.h"
#include <stdio.h>
#include <unistd.h>

enum { SECRET_MAX = 64 << 10 };

struct ctl *ctl_of(const struct cli *cli)
{
    return cli_data(cli);
}

void ctl_done(struct ctl *ctl)
{
    map_for_each (slot, &ctl->names)
        free(slot->value);
    map_done(&ctl->names);
    map_done(&ctl->loaded);
    rest_free(ctl->rest);
    arena_done(&ctl->arena);
}

int ctl_read_secret(const struct cli *cli, const char *path, struct buf *out)
{
    int r = file_read(str_eq(path, "-") ? "/dev/stdin" : path, SECRET_MAX, out);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "%s: %s", path, strerror(-r));
    while (out->len && strchr("\r\n", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    if (!out->len || strlen(out->data) != out->len)
        return cli_fail(cli, CLI_FAILURE, "%s: holds no secret", path);
    return CLI_OK;
}

/* --- who we are --- */

static int load_context(const struct cli *cli, struct context *c)
{
    const char *name = cli_value(cli, "context");
    int r = context_load(name, &ctl_of(cli)->arena, c);
    if (r == -ENOENT)
        return cli_fail(cli, CLI_NOT_SIGNED_IN,
                        cli_origin(cli, "context") == CLI_FROM_DEFAULT
                            ? "not signed in: try 'posternctl login URL'"
                            : "not signed in as context '%s': try 'posternctl login URL' with it",
                        name);
    if (r == -EPERM)
        return cli_fail(cli, CLI_NOT_SIGNED_IN,
                        "the context '%s' can be read by others: sign in again after removing it", name);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "context '%s': %s", name, strerror(-r));
    return CLI_OK;
}

/* --server and --token-file, for automation without a context. */
static int open_directly(const struct cli *cli, const char *server, int timeout_s)
{
    BUF_AUTO token = {0};
    struct address address;
    const char *why, *file = cli_value(cli, "token-file");
    if (address_parse(server, &address, &why))
        return cli_usage(cli, "--server: %s", why);
    if (!file)
        return cli_usage(cli, "--server needs --token-file");
    int r = ctl_read_secret(cli, file, &token);
    if (!r)
        ctl_of(cli)->rest = rest_new(&address, buf_str(&token), timeout_s);
    if (token.data)
        explicit_bzero(token.data, token.len);
    return r;
}

int ctl_open(const struct cli *cli)
{
    struct context c;
    struct address address = {0};
    int64_t timeout_s = 0;
    const char *server = cli_value(cli, "server");
    int r = cli_number(cli, "timeout", 1, 86400, &timeout_s);
    if (r)
        return r;
    if (server)
        return open_directly(cli, server, (int)timeout_s);
    r = load_context(cli, &c);
    if (r)
        return r;
    str_copy(address.url, sizeof(address.url), c.url);
    str_copy(address.pin, sizeof(address.pin), c.pin ? c.pin : "");
    ctl_of(cli)->rest = rest_new(&address, c.token, (int)timeout_s);
    return CLI_OK;
}

/* --- objects by name --- */

const struct kind *ctl_kind(const struct cli *cli, const char *word)
{
    const struct kind *kind = kind_find(word);
    if (kind)
        return kind;
    BUF_AUTO all = {0};
    for (const struct kind *k = kinds; k->plural; k++)
        buf_printf(&all, "%s%s", k == kinds ? "" : ", ", k->plural);
    cli_usage(cli, "unknown kind '%s'; there are %s", word, buf_str(&all));
    return NULL;
}

void ctl_path(const struct kind *kind, const char *id, const char *verb, struct buf *out)
{
    buf_printf(out, "/api/v1/%s", kind->plural);
    if (id) {
        buf_putc(out, '/');
        rest_escape(id, out);
    }
    if (verb)
        buf_printf(out, "/%s", verb);
}

/* name = "..." as the filter's grammar quotes it. */
static void put_name_filter(const struct kind *kind, const char *name, struct buf *out)
{
    buf_printf(out, "%s = \"", kind->name_field);
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *name);
    }
    buf_putc(out, '"');
}

static int ambiguous(const struct cli *cli, const struct kind *kind, const char *name, const struct page *page)
{
    BUF_AUTO id = {0};
    cli_fail(cli, CLI_CONFLICT, "there is more than one %s '%s'; say which by its id:", kind->singular, name);
    for (size_t i = 0; i < page->n; i++)
        fprintf(stderr, "  %s\n", kind_text(kind->rec, (const char *)page->items + i * kind->rec->size, "id", &id));
    return CLI_CONFLICT;
}

int ctl_resolve(const struct cli *cli, const struct kind *kind, const char *name, const char **id)
{
    struct ctl *ctl = ctl_of(cli);
    BUF_AUTO filter = {0}, text = {0};
    struct page page;
    *id = arena_strdup(&ctl->arena, name);
    if (!*id)
        abort();
    if (id_valid(name, kind->prefix))
        return CLI_OK;
    if (!kind->name_field)
        return cli_fail(cli, CLI_USAGE, "'%s': %s are known by their ids only", name, kind->plural);
    put_name_filter(kind, name, &filter);
    int r = ctl_list(cli, kind, &(struct page_query){.limit = 10, .filter = buf_str(&filter)}, &ctl->arena, &page);
    if (r)
        return r;
    if (!page.n)
        return cli_fail(cli, CLI_NOT_FOUND, "there is no %s '%s'", kind->singular, name);
    if (page.n > 1)
        return ambiguous(cli, kind, name, &page);
    *id = arena_strdup(&ctl->arena, kind_text(kind->rec, page.items, "id", &text));
    if (!*id)
        abort();
    return CLI_OK;
}

int ctl_get(const struct cli *cli, const struct kind *kind, const char *name, const char **id,
            struct rest_answer *answer)
{
    BUF_AUTO path = {0};
    const char *found;
    *answer = (struct rest_answer){0};
    int r = ctl_resolve(cli, kind, name, &found);
    if (r)
        return r;
    if (id)
        *id = found;
    ctl_path(kind, found, NULL, &path);
    return rest_do(cli, ctl_of(cli)->rest, &(struct rest_call){.method = "GET", .path = buf_str(&path)}, answer);
}
