/* SPDX-License-Identifier: Apache-2.0 */
#include "record/walk.h"
#include "record/json.h"
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>

struct walk {
    json_visit *visit;
    void *arg;
};

static void walk_node(const struct walk *w, const cJSON *node)
{
    const cJSON *child;
    char digits[24];
    if (cJSON_IsString(node)) {
        w->visit(w->arg, JSON_STRING, node->string, node->valuestring);
    } else if (cJSON_IsNumber(node)) {
        snprintf(digits, sizeof(digits), "%" PRId64, (int64_t)node->valuedouble);
        w->visit(w->arg, JSON_NUMBER, node->string, digits);
    } else if (cJSON_IsObject(node) || cJSON_IsArray(node)) {
        bool object = cJSON_IsObject(node);
        w->visit(w->arg, object ? JSON_OBJECT : JSON_ARRAY, node->string, NULL);
        cJSON_ArrayForEach(child, node) walk_node(w, child);
        w->visit(w->arg, object ? JSON_OBJECT_END : JSON_ARRAY_END, NULL, NULL);
    } else {
        enum json_event event = cJSON_IsNull(node) ? JSON_NULL : cJSON_IsTrue(node) ? JSON_TRUE : JSON_FALSE;
        w->visit(w->arg, event, node->string, NULL);
    }
}

int json_walk(const char *text, size_t len, size_t max_values, json_visit *visit, void *arg, struct rec_errors *errors)
{
    *errors = (struct rec_errors){0};
    int r = json_check(text, len, max_values, errors);
    if (r)
        return r;
    cJSON *root = cJSON_ParseWithLength(text, len);
    if (!root)
        return -EBADMSG;
    walk_node(&(struct walk){visit, arg}, root);
    cJSON_Delete(root);
    return 0;
}

struct pretty {
    struct buf *out;
    int level;
    bool first; /* nothing yet in the innermost container */
};

static void new_line(const struct pretty *p)
{
    buf_putc(p->out, '\n');
    for (int i = 0; i < p->level; i++)
        buf_puts(p->out, "  ");
}

static void put_end(struct pretty *p, char bracket)
{
    p->level--;
    if (!p->first)
        new_line(p);
    p->first = false;
    buf_putc(p->out, bracket);
}

static void put_start(struct pretty *p, char bracket)
{
    buf_putc(p->out, bracket);
    p->level++;
    p->first = true;
}

static void on_pretty(void *arg, enum json_event event, const char *key, const char *text)
{
    static const char *const words[] = {"null", "false", "true"};
    struct pretty *p = arg;
    bool end = event == JSON_OBJECT_END || event == JSON_ARRAY_END;
    if (end) {
        put_end(p, event == JSON_OBJECT_END ? '}' : ']');
        return;
    }
    if (!p->first)
        buf_putc(p->out, ',');
    if (p->level)
        new_line(p);
    p->first = false;
    if (key) {
        json_string(p->out, key);
        buf_puts(p->out, ": ");
    }
    if (event == JSON_OBJECT || event == JSON_ARRAY)
        put_start(p, event == JSON_OBJECT ? '{' : '[');
    else if (event == JSON_STRING)
        json_string(p->out, text);
    else
        buf_puts(p->out, event == JSON_NUMBER ? text : words[event]);
}

int json_pretty(const char *text, size_t len, struct buf *out)
{
    struct pretty p = {.out = out, .first = true};
    struct rec_errors errors;
    return json_walk(text, len, SIZE_MAX, on_pretty, &p, &errors);
}
