/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* OpenAPI 3.1 out of the same rows and records that serve the requests. Texts in rows need no JSON escapes. */
#include "base/str.h"
#include "server/api/api.h"
#include "server/api/crud.h"
#include "server/api/hooks.h"

static bool described(const struct route *row)
{
    return !str_starts(row->pattern, "/agent/");
}

static bool is_list(const struct route *row)
{
    return row->run == crud_list;
}

static bool is_change(const struct route *row)
{
    return row->run == crud_patch || row->run == crud_delete;
}

static int success(const struct route *row)
{
    if (row->run == crud_create || row->run == setup_post || row->run == gateway_enrolment)
        return 201;
    return row->response || str_eq(row->method, "GET") ? 200 : 204;
}

static const char *least_role(const struct route *row)
{
    if (row->allow & ALLOW_ANYONE)
        return "anyone";
    return row->allow & ALLOW_MEMBER ? "member" : row->allow & ALLOW_AUDITOR ? "auditor" : "admin";
}

/* "/api/v1/devices/{id}/block", POST -> "post_devices_id_block" */
static void operation_id(const struct route *row, struct buf *out)
{
    const char *p = str_starts(row->pattern, "/api/v1") ? row->pattern + strlen("/api/v1") : row->pattern;
    for (const char *m = row->method; *m; m++)
        buf_putc(out, (char)(*m | 0x20));
    bool gap = true;
    for (; *p; p++) {
        bool word = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
        if (word && gap)
            buf_putc(out, '_');
        gap = !word;
        if (word)
            buf_putc(out, *p);
    }
}

static void parameter(struct buf *out, const char *where, const char *name, bool required, const char *schema)
{
    buf_printf(out, "%s{\"in\":\"%s\",\"name\":\"%s\",\"required\":%s,\"schema\":%s}",
               out->data[out->len - 1] == '[' ? "" : ",", where, name, required ? "true" : "false", schema);
}

static void parameters(const struct route *row, struct buf *out)
{
    buf_puts(out, "\"parameters\":[");
    for (const char *p = row->pattern; (p = strchr(p, '{')); p++) {
        char name[32];
        str_copy(name, MIN(sizeof(name), strcspn(p + 1, "}") + 1), p + 1);
        parameter(out, "path", name, true, "{\"type\":\"string\"}");
    }
    if (is_list(row)) {
        parameter(out, "query", "limit", false, "{\"type\":\"integer\",\"minimum\":1,\"maximum\":500,\"default\":50}");
        parameter(out, "query", "cursor", false, "{\"type\":\"string\"}");
        parameter(out, "query", "filter", false, "{\"type\":\"string\"}");
    }
    if (row->run == readyz_get)
        parameter(out, "query", "verbose", false, "{\"type\":\"string\"}");
    if (is_change(row))
        parameter(out, "header", "If-Match", true, "{\"type\":\"string\"}");
    if (row->run == crud_get)
        parameter(out, "header", "If-None-Match", false, "{\"type\":\"string\"}");
    buf_puts(out, "],");
}

static const char *body_suffix(const struct route *row)
{
    return str_eq(row->method, "PATCH") ? "_patch" : "_create";
}

static void responses(const struct route *row, struct buf *out)
{
    buf_printf(out, "\"responses\":{\"%d\":{\"description\":\"Done\"", success(row));
    if (row->response)
        buf_printf(out, ",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s%s\"}}}",
                   row->response->name, is_list(row) ? "_list" : "");
    buf_puts(out, "},\"default\":{\"$ref\":\"#/components/responses/problem\"}}");
}

static void operation(const struct route *row, struct buf *out)
{
    buf_putc(out, '"');
    for (const char *m = row->method; *m; m++)
        buf_putc(out, (char)(*m | 0x20));
    buf_puts(out, "\":{\"operationId\":\"");
    operation_id(row, out);
    buf_printf(out, "\",\"summary\":\"%s\",\"x-postern-allow\":\"%s\",", row->doc, least_role(row));
    buf_puts(out, row->allow & ALLOW_ANYONE ? "\"security\":[]," : "\"security\":[{\"bearer\":[]}],");
    parameters(row, out);
    if (row->request)
        buf_printf(out,
                   "\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
                   "\"#/components/schemas/%s%s\"}}}},",
                   row->request->name, body_suffix(row));
    responses(row, out);
    buf_putc(out, '}');
}

/* All methods of a path stand together in OpenAPI, wherever their rows are. */
static bool path_seen(const struct route_table *t, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_eq(t->rows[k].pattern, t->rows[i].pattern))
            return true;
    return false;
}

static void paths(const struct route_table *t, struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!described(&t->rows[i]) || path_seen(t, i))
            continue;
        buf_printf(out, "%s\"%s\":{", out->data[out->len - 1] == '{' ? "" : ",", t->rows[i].pattern);
        for (size_t k = i; k < t->n; k++) {
            if (!str_eq(t->rows[k].pattern, t->rows[i].pattern))
                continue;
            if (k > i)
                buf_putc(out, ',');
            operation(&t->rows[k], out);
        }
        buf_putc(out, '}');
    }
}

/* Each schema once, whatever the number of rows that use it. */
static bool schema_new(struct buf *names, const char *name, const char *suffix)
{
    BUF_AUTO entry = {0};
    buf_printf(&entry, " %s%s ", name, suffix);
    if (strstr(buf_str(names), buf_str(&entry)))
        return false;
    buf_puts(names, buf_str(&entry));
    return true;
}

static void schema(struct buf *names, const struct rec *rec, enum rec_mode mode, const char *suffix, struct buf *out)
{
    if (!rec || !schema_new(names, rec->name, suffix))
        return;
    buf_printf(out, ",\"%s%s\":", rec->name, suffix);
    rec_schema(rec, mode, out);
}

static void list_schema(struct buf *names, const struct rec *rec, struct buf *out)
{
    if (!schema_new(names, rec->name, "_list"))
        return;
    buf_printf(out,
               ",\"%s_list\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"items\",\"next_"
               "cursor\",\"revision\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/"
               "components/schemas/%s\"}},\"next_cursor\":{\"type\":[\"string\",\"null\"]},\"revision\":{\"type\":"
               "\"string\"}}}",
               rec->name, rec->name);
}

static void schemas(const struct route_table *t, struct buf *names, struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct route *row = &t->rows[i];
        if (!described(row))
            continue;
        schema(names, row->response, REC_STRICT, "", out);
        if (is_list(row))
            list_schema(names, row->response, out);
        schema(names, row->request, str_eq(row->method, "PATCH") ? REC_PATCH : REC_CREATE, body_suffix(row), out);
    }
}

void api_openapi(struct buf *out)
{
    BUF_AUTO names = {0};
    buf_puts(out,
             "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Postern\",\"version\":\"" POSTERN_VERSION "\"},\"paths\":{");
    for (size_t i = 0; i < api_n_tables(); i++) {
        struct route_table t = api_table(i);
        paths(&t, out);
    }
    buf_puts(out, "},\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}},"
                  "\"responses\":{\"problem\":{\"description\":\"Refused; see code and errors\",\"content\":{"
                  "\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}},"
                  "\"schemas\":{\"problem\":");
    rec_schema(&problem_rec, REC_STRICT, out);
    for (size_t i = 0; i < api_n_tables(); i++) {
        struct route_table t = api_table(i);
        schemas(&t, &names, out);
    }
    buf_puts(out, "}}}");
}

int openapi_get(struct request *req, struct response *res)
{
    res->status = 200;
    response_header(res, "content-type", "application/json");
    api_openapi(&res->body);
    return 0;
}
