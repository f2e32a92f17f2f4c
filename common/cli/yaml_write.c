/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/yaml.h"
#include "record/walk.h"
#include <yaml.h>

struct writer {
    yaml_emitter_t emitter;
    struct buf *out;
    bool failed;
};

static int on_write(void *arg, unsigned char *p, size_t n)
{
    struct writer *w = arg;
    buf_append(w->out, p, n);
    return 1;
}

/* libyaml frees the event whether it worked or not. */
static void emit(struct writer *w, int made, yaml_event_t *event)
{
    if (!made || !yaml_emitter_emit(&w->emitter, event))
        w->failed = true;
}

static void emit_scalar(struct writer *w, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    int made =
        yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1, style);
    emit(w, made, &event);
}

/* Whether a plain scalar would be read back as this string by readers of YAML 1.1 and 1.2: letters first and not one
 * of their words for null and booleans. All else is quoted. */
static bool plain_is_safe(const char *s)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@-");
    bool letter = (s[0] | 0x20) >= 'a' && (s[0] | 0x20) <= 'z';
    if (!letter || s[n])
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!strcasecmp(s, words[i]))
            return false;
    return true;
}

static void emit_string(struct writer *w, const char *s)
{
    emit_scalar(w, s, plain_is_safe(s) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static void emit_container(struct writer *w, enum json_event what)
{
    yaml_event_t event;
    int made = 0;
    if (what == JSON_OBJECT)
        made = yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
    else if (what == JSON_ARRAY)
        made = yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
    else if (what == JSON_OBJECT_END)
        made = yaml_mapping_end_event_initialize(&event);
    else
        made = yaml_sequence_end_event_initialize(&event);
    emit(w, made, &event);
}

static void on_value(void *arg, enum json_event event, const char *key, const char *text)
{
    static const char *const words[] = {"null", "false", "true"};
    struct writer *w = arg;
    if (w->failed)
        return;
    if (key)
        emit_string(w, key);
    if (event == JSON_STRING)
        emit_string(w, text);
    else if (event <= JSON_NUMBER)
        emit_scalar(w, event == JSON_NUMBER ? text : words[event], YAML_PLAIN_SCALAR_STYLE);
    else
        emit_container(w, event);
}

static void start(struct writer *w)
{
    yaml_event_t event;
    if (!yaml_emitter_initialize(&w->emitter))
        abort();
    yaml_emitter_set_output(&w->emitter, on_write, w);
    yaml_emitter_set_unicode(&w->emitter, 1);
    yaml_emitter_set_width(&w->emitter, -1);
    emit(w, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
    emit(w, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1), &event);
}

static void finish(struct writer *w)
{
    yaml_event_t event;
    if (!w->failed)
        emit(w, yaml_document_end_event_initialize(&event, 1), &event);
    if (!w->failed)
        emit(w, yaml_stream_end_event_initialize(&event), &event);
    yaml_emitter_delete(&w->emitter);
}

int yaml_from_json(const char *json, size_t len, struct buf *out)
{
    struct writer w = {.out = out};
    struct rec_errors errors;
    start(&w);
    int r = json_walk(json, len, SIZE_MAX, on_value, &w, &errors);
    if (!r)
        finish(&w);
    else
        yaml_emitter_delete(&w.emitter);
    return r ? r : w.failed ? -EINVAL : 0;
}
