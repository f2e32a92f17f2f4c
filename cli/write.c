/* SPDX-License-Identifier: Apache-2.0 */
/* Changing: create, edit, delete. */
#include "base/str.h"
#include "cli/body.h"
#include "cli/editor.h"
#include <stdio.h>
#include <unistd.h>

static int create_one(const struct cli *cli, const struct kind *kind, const cJSON *object)
{
    BUF_AUTO path = {0}, body = {0};
    REST_ANSWER_AUTO answer = {0};
    ctl_path(kind, NULL, NULL, &path);
    body_print(object, &body);
    const struct rest_call call = {.method = "POST", .path = buf_str(&path), .body = buf_str(&body)};
    int r = rest_do(cli, ctl_of(cli)->rest, &call, &answer);
    return r ? r : ctl_print(cli, kind, &answer.body);
}

static int create_all(const struct cli *cli, const struct kind *kind, const cJSON *list)
{
    const cJSON *item;
    int done = 0, r = CLI_OK;
    cJSON_ArrayForEach(item, list)
    {
        r = create_one(cli, kind, item);
        if (r)
            break;
        done++;
    }
    if (r && done)
        return cli_fail(cli, CLI_PARTLY, "%d of %d were created", done, cJSON_GetArraySize(list));
    return r;
}

int run_create(struct cli *cli, int argc, char **argv)
{
    const char *file = cli_value(cli, "file");
    const struct kind *kind = ctl_kind(cli, argv[0]);
    cJSON *body = NULL;
    if (!kind)
        return CLI_USAGE;
    if (!file == (argc == 1))
        return cli_usage(cli, "give either FIELD=VALUE or -f FILE");
    int r = ctl_open(cli);
    if (!r)
        r = file ? body_from_file(cli, kind, file, &body) : body_from_args(cli, kind, argc - 1, argv + 1, &body);
    if (r)
        return r;
    if (!file)
        body_default_name(kind, argc - 1, argv + 1, body);
    r = cJSON_IsArray(body) ? create_all(cli, kind, body) : create_one(cli, kind, body);
    cJSON_Delete(body);
    return r;
}

/* --- edit --- */

/* What cannot be changed and is not changed is left out, so that the output of `get` can be sent back. */
static void drop_unchanged(const struct kind *kind, cJSON *patch, const struct buf *current)
{
    cJSON *old = cJSON_ParseWithLength(buf_str(current), current->len);
    for (cJSON *child = patch->child, *next; child; child = next) {
        const struct rec_field *f = rec_find(kind->rec, child->string);
        const cJSON *before = cJSON_GetObjectItemCaseSensitive(old, child->string);
        next = child->next;
        if (f && f->flags & REC_IMMUTABLE && before && cJSON_Compare(before, child, true))
            cJSON_Delete(cJSON_DetachItemViaPointer(patch, child));
    }
    cJSON_Delete(old);
}

static int send_patch(const struct cli *cli, const struct kind *kind, const char *id, cJSON *patch,
                      const struct rest_answer *read)
{
    BUF_AUTO path = {0}, body = {0};
    REST_ANSWER_AUTO answer = {0};
    if (!cJSON_IsObject(patch))
        return cli_fail(cli, CLI_USAGE, "expected one object");
    drop_unchanged(kind, patch, &read->body);
    ctl_path(kind, id, NULL, &path);
    body_print(patch, &body);
    const struct rest_call call = {
        .method = "PATCH", .path = buf_str(&path), .body = buf_str(&body), .if_match = read->etag};
    int r = rest_do(cli, ctl_of(cli)->rest, &call, &answer);
    if (answer.status == 412)
        cli_fail(cli, CLI_CONFLICT, "somebody changed it since it was read; nothing was written: try again");
    return r ? r : ctl_print(cli, kind, &answer.body);
}

static int edit_with_editor(const struct cli *cli, const struct kind *kind, const char *id,
                            const struct rest_answer *read)
{
    struct editor editor = {0};
    cJSON *patch = NULL;
    int r = editor_open(cli, kind, &read->body, &editor);
    if (!r && !editor.changed) {
        cli_note(cli, "nothing changed");
        editor_done(&editor, true);
        return CLI_OK;
    }
    if (!r)
        r = body_from_text(cli, kind, editor.path, &editor.text, &patch);
    if (!r)
        r = send_patch(cli, kind, id, patch, read);
    if (r && editor.changed)
        cli_note(cli, "your text is kept in %s", editor.path);
    editor_done(&editor, !r || !editor.changed);
    cJSON_Delete(patch);
    return r;
}

int run_edit(struct cli *cli, int argc, char **argv)
{
    const char *file = cli_value(cli, "file"), *id = NULL;
    const struct kind *kind = ctl_kind(cli, argv[0]);
    REST_ANSWER_AUTO read = {0};
    cJSON *patch = NULL;
    if (!kind)
        return CLI_USAGE;
    if (file && argc > 2)
        return cli_usage(cli, "give either FIELD=VALUE or -f FILE");
    if (!file && argc == 2 && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
        return cli_usage(cli, "give FIELD=VALUE or -f FILE; the editor needs a terminal");
    int r = ctl_open(cli);
    if (!r)
        r = ctl_get(cli, kind, argv[1], &id, &read);
    if (!r && !file && argc == 2)
        return edit_with_editor(cli, kind, id, &read);
    if (!r)
        r = file ? body_from_file(cli, kind, file, &patch) : body_from_args(cli, kind, argc - 2, argv + 2, &patch);
    if (!r)
        r = send_patch(cli, kind, id, patch, &read);
    cJSON_Delete(patch);
    return r;
}

/* --- delete --- */

static int confirm(const struct cli *cli, const struct kind *kind, const char *name)
{
    char answer[8];
    if (cli_switch(cli, "yes"))
        return CLI_OK;
    if (!isatty(STDIN_FILENO))
        return cli_usage(cli, "deleting without a terminal needs --yes");
    fprintf(stderr, "Delete %s '%s'? [y/N] ", kind->singular, name);
    if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return CLI_OK;
    return cli_fail(cli, CLI_FAILURE, "nothing was deleted");
}

int run_delete(struct cli *cli, int argc, char **argv)
{
    const struct kind *kind = ctl_kind(cli, argv[0]);
    REST_ANSWER_AUTO read = {0}, answer = {0};
    BUF_AUTO path = {0};
    const char *id = NULL;
    if (!kind)
        return CLI_USAGE;
    int r = confirm(cli, kind, argv[1]);
    if (!r)
        r = ctl_open(cli);
    if (!r)
        r = ctl_get(cli, kind, argv[1], &id, &read);
    if (r)
        return r;
    ctl_path(kind, id, NULL, &path);
    const struct rest_call call = {.method = "DELETE", .path = buf_str(&path), .if_match = read.etag};
    r = rest_do(cli, ctl_of(cli)->rest, &call, &answer);
    if (!r)
        cli_note(cli, "deleted %s %s (%s)", kind->singular, argv[1], id);
    return r;
}
