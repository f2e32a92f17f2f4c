/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "base/str.h"
#include "cli/yaml.h"
#include "record/json.h"
#include <inttypes.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct buf *out, *why;
    size_t depth;
};

static int refuse(struct reader *r, const yaml_mark_t *at, const char *what)
{
    buf_printf(r->why, "line %zu: %s", at->line + 1, what);
    return -EINVAL;
}

static int next(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return 0;
    return refuse(r, &r->parser.problem_mark, r->parser.problem ? r->parser.problem : "cannot be read");
}

static bool parse_integer(const char *s, int64_t *v)
{
    bool neg = *s == '-';
    return (s[neg] != '0' || !s[neg + 1]) && !parse_i64(s, -REC_INT_MAX, REC_INT_MAX, v);
}

static void put_plain(const char *s, struct buf *out)
{
    int64_t v;
    if (!*s || str_eq(s, "~") || str_eq(s, "null"))
        buf_puts(out, "null");
    else if (str_eq(s, "true") || str_eq(s, "false"))
        buf_puts(out, s);
    else if (parse_integer(s, &v))
        buf_printf(out, "%" PRId64, v); /* -0 is 0 */
    else
        json_string(out, s);
}

static int read_scalar(struct reader *r, const yaml_event_t *event, bool key)
{
    const char *s = (const char *)event->data.scalar.value;
    if (event->data.scalar.anchor || event->data.scalar.tag)
        return refuse(r, &event->start_mark, "anchors and tags are not taken");
    if (strlen(s) != event->data.scalar.length)
        return refuse(r, &event->start_mark, "a NUL character");
    if (!key && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        put_plain(s, r->out);
    else
        json_string(r->out, s);
    return 0;
}

static int read_value(struct reader *r, const yaml_event_t *event);

static int read_sequence(struct reader *r)
{
    bool first = true;
    buf_putc(r->out, '[');
    for (;;) {
        yaml_event_t event;
        int result = next(r, &event);
        if (result)
            return result;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end && !first)
            buf_putc(r->out, ',');
        first = false;
        result = end ? 0 : read_value(r, &event);
        yaml_event_delete(&event);
        if (result || end) {
            buf_putc(r->out, ']');
            return result;
        }
    }
}

/* The key of a member; it must be new in this mapping. */
static int read_key(struct reader *r, const yaml_event_t *event, struct map *keys)
{
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(r, &event->start_mark, "a key must be a word");
    if (map_set(keys, (const char *)event->data.scalar.value, keys))
        return refuse(r, &event->start_mark, "a key is given twice");
    return read_scalar(r, event, true);
}

static int read_members(struct reader *r, struct map *keys)
{
    for (bool first = true;; first = false) {
        yaml_event_t event;
        int result = next(r, &event);
        if (result)
            return result;
        bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end && !first)
            buf_putc(r->out, ',');
        result = end ? 0 : read_key(r, &event, keys);
        yaml_event_delete(&event);
        if (result || end)
            return result;
        buf_putc(r->out, ':');
        result = next(r, &event);
        if (result)
            return result;
        result = read_value(r, &event);
        yaml_event_delete(&event);
        if (result)
            return result;
    }
}

static int read_mapping(struct reader *r)
{
    struct map keys = {0};
    buf_putc(r->out, '{');
    int result = read_members(r, &keys);
    buf_putc(r->out, '}');
    map_done(&keys);
    return result;
}

static int read_container(struct reader *r, const yaml_event_t *event)
{
    bool sequence = event->type == YAML_SEQUENCE_START_EVENT;
    bool marked = sequence ? event->data.sequence_start.anchor || event->data.sequence_start.tag
                           : event->data.mapping_start.anchor || event->data.mapping_start.tag;
    if (marked)
        return refuse(r, &event->start_mark, "anchors and tags are not taken");
    if (r->depth == JSON_DEPTH_MAX)
        return refuse(r, &event->start_mark, "too many levels");
    r->depth++;
    int result = sequence ? read_sequence(r) : read_mapping(r);
    r->depth--;
    return result;
}

static int read_value(struct reader *r, const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(r, event, false);
    if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
        return read_container(r, event);
    return refuse(r, &event->start_mark,
                  event->type == YAML_ALIAS_EVENT ? "aliases are not taken" : "a value is missing");
}

/* Reads the next event, which must be of this type. */
static int expect(struct reader *r, yaml_event_type_t type, const char *what)
{
    yaml_event_t event;
    int result = next(r, &event);
    if (result)
        return result;
    if (event.type != type)
        result = refuse(r, &event.start_mark, what);
    yaml_event_delete(&event);
    return result;
}

static int read_document(struct reader *r)
{
    yaml_event_t event;
    int result = expect(r, YAML_STREAM_START_EVENT, "not YAML");
    if (!result)
        result = expect(r, YAML_DOCUMENT_START_EVENT, "there is nothing in it");
    if (!result)
        result = next(r, &event);
    if (result)
        return result;
    result = read_value(r, &event);
    yaml_event_delete(&event);
    if (!result)
        result = expect(r, YAML_DOCUMENT_END_EVENT, "text after the document");
    return result ? result : expect(r, YAML_STREAM_END_EVENT, "more than one document");
}

int yaml_to_json(const char *yaml, size_t len, struct buf *out, struct buf *why)
{
    struct reader r = {.out = out, .why = why};
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)yaml, len);
    int result = read_document(&r);
    yaml_parser_delete(&r.parser);
    return result;
}
