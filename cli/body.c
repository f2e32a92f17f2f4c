/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/body.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/fields.h"
#include "cli/yaml.h"
#include "record/json.h"

enum { FILE_MAX = 1 << 20, VALUES_MAX = 100000, NAME_MAX_LEN = 64 };

void body_print(const cJSON *node, struct buf *out)
{
    char *text = cJSON_PrintUnformatted(node);
    if (!text)
        abort();
    buf_puts(out, text);
    cJSON_free(text);
}

/* --- names to ids --- */

static int resolve_reference(const struct cli *cli, const struct rec_field *f, cJSON *value)
{
    const struct kind *kind = kind_referred(f);
    const char *id;
    if (!kind || !cJSON_IsString(value))
        return CLI_OK;
    int r = ctl_resolve(cli, kind, value->valuestring, &id);
    if (!r && !cJSON_SetValuestring(value, id))
        abort();
    return r;
}

static int resolve_references(const struct cli *cli, const struct kind *kind, cJSON *object)
{
    cJSON *child;
    int r = CLI_OK;
    cJSON_ArrayForEach(child, object)
    {
        const struct rec_field *f = rec_find(kind->rec, child->string);
        if (!r && f)
            r = resolve_reference(cli, f, child);
    }
    return r;
}

/* --- arguments --- */

static int set_from_arg(const struct cli *cli, const struct kind *kind, cJSON *object, const char *arg)
{
    BUF_AUTO name = {0}, why = {0};
    const char *eq = strchr(arg, '=');
    if (!eq || eq == arg)
        return cli_usage(cli, "'%s': expected FIELD=VALUE", arg);
    buf_append(&name, arg, (size_t)(eq - arg));
    if (field_set(kind->rec, object, buf_str(&name), eq + 1, &why))
        return cli_usage(cli, "%s", buf_str(&why));
    return CLI_OK;
}

int body_from_args(const struct cli *cli, const struct kind *kind, int argc, char **argv, cJSON **out)
{
    cJSON *object = cJSON_CreateObject();
    int r = CLI_OK;
    if (!object)
        abort();
    for (int i = 0; !r && i < argc; i++)
        r = set_from_arg(cli, kind, object, argv[i]);
    if (!r)
        r = resolve_references(cli, kind, object);
    if (r)
        cJSON_Delete(object);
    else
        *out = object;
    return r;
}

/* The value that an argument gives to the field, as it was typed. */
static const char *typed(const char *field, int argc, char **argv)
{
    size_t n = strlen(field);
    for (int i = 0; i < argc; i++)
        if (str_starts(argv[i], field) && argv[i][n] == '=')
            return argv[i] + n + 1;
    return NULL;
}

void body_default_name(const struct kind *kind, int argc, char **argv, cJSON *object)
{
    BUF_AUTO name = {0};
    if (!kind->name_from || cJSON_GetObjectItemCaseSensitive(object, "name"))
        return;
    for (const char *const *field = kind->name_from; *field; field++) {
        const char *value = typed(*field, argc, argv);
        if (!value)
            return;
        buf_printf(&name, "%s%s", name.len ? " " : "", value);
    }
    if (name.len <= NAME_MAX_LEN && !cJSON_AddStringToObject(object, "name", buf_str(&name)))
        abort();
}

/* --- files --- */

/* "site: hq" means site_id, as on the command line; what `get` printed may hold fields that only the server sets. */
static int tidy_object(const struct cli *cli, const struct kind *kind, cJSON *object)
{
    for (cJSON *child = object->child, *next; child; child = next) {
        const struct rec_field *f = field_find(kind->rec, child->string);
        next = child->next;
        if (f && f->flags & REC_READONLY) {
            cJSON_Delete(cJSON_DetachItemViaPointer(object, child));
        } else if (f && !str_eq(f->name, child->string)) {
            cJSON *renamed = cJSON_Duplicate(child, true);
            if (!renamed || !cJSON_ReplaceItemViaPointer(object, child, renamed))
                abort();
            cJSON_free(renamed->string);
            renamed->string = strdup(f->name);
            if (!renamed->string)
                abort();
        }
    }
    return resolve_references(cli, kind, object);
}

static int tidy(const struct cli *cli, const struct kind *kind, const char *name, cJSON *root)
{
    cJSON *item;
    int r = CLI_OK;
    if (cJSON_IsObject(root))
        return tidy_object(cli, kind, root);
    if (!cJSON_IsArray(root))
        return cli_fail(cli, CLI_USAGE, "%s: expected an object or a list of objects", name);
    cJSON_ArrayForEach(item, root)
    {
        if (!r && !cJSON_IsObject(item))
            r = cli_fail(cli, CLI_USAGE, "%s: expected a list of objects", name);
        if (!r)
            r = tidy_object(cli, kind, item);
    }
    return r;
}

int body_from_text(const struct cli *cli, const struct kind *kind, const char *name, const struct buf *text,
                   cJSON **out)
{
    BUF_AUTO json = {0}, why = {0};
    struct rec_errors errors = {0};
    /* JSON is YAML too; reading it as YAML refuses duplicate keys on the way. */
    if (yaml_to_json(buf_str(text), text->len, &json, &why))
        return cli_fail(cli, CLI_USAGE, "%s: %s", name, buf_str(&why));
    if (json_check(json.data, json.len, VALUES_MAX, &errors))
        return cli_fail(cli, CLI_USAGE, "%s: %s", name, errors.n ? errors.at[0].detail : "too many values");
    cJSON *root = cJSON_ParseWithLength(json.data, json.len);
    if (!root)
        abort();
    int r = tidy(cli, kind, name, root);
    if (r)
        cJSON_Delete(root);
    else
        *out = root;
    return r;
}

int body_from_file(const struct cli *cli, const struct kind *kind, const char *path, cJSON **out)
{
    BUF_AUTO text = {0};
    int r = file_read(str_eq(path, "-") ? "/dev/stdin" : path, FILE_MAX, &text);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "%s: %s", path, strerror(-r));
    return body_from_text(cli, kind, path, &text, out);
}
