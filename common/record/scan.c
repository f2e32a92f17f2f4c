/* SPDX-License-Identifier: Apache-2.0 */
/* The strict check before cJSON: everything that cJSON takes and RFC 8259 or our records do not is refused
 * here. */
#include "record/json.h"
#include "record/utf8.h"
#include <inttypes.h>
#include <stdio.h>

struct step {
    const char *key; /* NULL inside an array */
    size_t n;        /* length of the key, or the index */
};

struct scan {
    const char *start, *p, *end;
    size_t n_values, max_values;
    struct rec_errors *errors;
    bool inexact;
    size_t depth;
    struct step steps[JSON_DEPTH_MAX];
};

static bool scan_value(struct scan *s);

static bool fail(struct scan *s, const char *what)
{
    s->errors->malformed = true;
    rec_error_add(s->errors, "", "not JSON: %s at byte %zu", what, (size_t)(s->p - s->start));
    return false;
}

static int peek(const struct scan *s)
{
    return s->p < s->end ? (unsigned char)*s->p : -1;
}

static bool take(struct scan *s, char c)
{
    if (peek(s) != c)
        return false;
    s->p++;
    return true;
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool take_hex4(struct scan *s, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, s->p++) {
        int c = peek(s);
        if (c >= '0' && c <= '9')
            *code = *code << 4 | (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            *code = *code << 4 | (unsigned)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    return true;
}

static bool scan_unicode_escape(struct scan *s)
{
    unsigned high, low;
    if (!take_hex4(s, &high))
        return fail(s, "a broken \\u escape");
    if (high == 0)
        return fail(s, "an escaped NUL");
    if (high < 0xd800 || high > 0xdfff)
        return true;
    if (high > 0xdbff || !take(s, '\\') || !take(s, 'u') || !take_hex4(s, &low) || low < 0xdc00 || low > 0xdfff)
        return fail(s, "a lone surrogate");
    return true;
}

static bool scan_escape(struct scan *s)
{
    int c = peek(s);
    if (c <= 0 || !strchr("\"\\/bfnrtu", c))
        return fail(s, "an unknown escape");
    s->p++;
    return c != 'u' || scan_unicode_escape(s);
}

static bool scan_string(struct scan *s)
{
    uint32_t code;
    s->p++;
    while (!take(s, '"')) {
        if (s->p == s->end)
            return fail(s, "a string without end");
        if (take(s, '\\')) {
            if (!scan_escape(s))
                return false;
            continue;
        }
        size_t k = utf8_next(s->p, (size_t)(s->end - s->p), &code);
        if (!k)
            return fail(s, "invalid UTF-8");
        if (code < 0x20)
            return fail(s, "a control character in a string");
        s->p += k;
    }
    return true;
}

/* RFC 6901 pointer to where the scan is. */
static void pointer_here(const struct scan *s, struct buf *out)
{
    for (size_t i = 0; i < s->depth; i++) {
        if (s->steps[i].key)
            rec_pointer_add(out, s->steps[i].key, s->steps[i].n);
        else
            buf_printf(out, "/%zu", s->steps[i].n);
    }
}

static bool scan_digits(struct scan *s)
{
    const char *from = s->p;
    while (peek(s) >= '0' && peek(s) <= '9')
        s->p++;
    return s->p > from;
}

/* An integer of at most 16 digits whose value a double holds exactly and alone. */
static bool exact(const char *digits, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n && i < 17; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(digits[i] - '0');
    }
    return n <= 16 && v <= REC_INT_MAX;
}

static bool scan_number(struct scan *s)
{
    take(s, '-');
    const char *digits = s->p;
    if (!take(s, '0') && !scan_digits(s))
        return fail(s, "a broken number");
    if (take(s, '.') && !scan_digits(s))
        return fail(s, "a broken fraction");
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        if (!scan_digits(s))
            return fail(s, "a broken exponent");
    }
    if (!exact(digits, (size_t)(s->p - digits))) {
        BUF_AUTO pointer = {0};
        pointer_here(s, &pointer);
        s->inexact = true;
        rec_error_add(s->errors, buf_str(&pointer), "must be a whole number within +-%" PRId64, REC_INT_MAX);
    }
    return true;
}

static bool scan_literal(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->p) >= n && !memcmp(s->p, words[i], n)) {
            s->p += n;
            return true;
        }
    }
    return fail(s, s->p == s->end ? "a value is missing" : "an unexpected character");
}

static bool scan_member(struct scan *s, struct step *step)
{
    skip_space(s);
    if (peek(s) != '"')
        return fail(s, "a field name is missing");
    step->key = s->p + 1;
    if (!scan_string(s))
        return false;
    step->n = (size_t)(s->p - step->key) - 1;
    skip_space(s);
    return take(s, ':') ? scan_value(s) : fail(s, "a colon is missing");
}

static bool scan_item(struct scan *s, struct step *step)
{
    if (!scan_value(s))
        return false;
    step->n++;
    return true;
}

/* Both kinds of container: '{' with members or '[' with values. */
static bool scan_container(struct scan *s, char close, bool (*scan_one)(struct scan *, struct step *))
{
    if (s->depth == JSON_DEPTH_MAX)
        return fail(s, "too many levels");
    struct step *step = &s->steps[s->depth];
    *step = (struct step){0};
    s->p++;
    skip_space(s);
    if (take(s, close))
        return true;
    s->depth++;
    do {
        if (!scan_one(s, step))
            return false;
        skip_space(s);
    } while (take(s, ','));
    s->depth--;
    return take(s, close) || fail(s, "a comma or closing bracket is missing");
}

static bool scan_value(struct scan *s)
{
    skip_space(s);
    if (++s->n_values > s->max_values)
        return false;
    int c = peek(s);
    if (c == '{')
        return scan_container(s, '}', scan_member);
    if (c == '[')
        return scan_container(s, ']', scan_item);
    if (c == '"')
        return scan_string(s);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s);
    return scan_literal(s);
}

int json_check(const char *text, size_t len, size_t max_values, struct rec_errors *errors)
{
    struct scan s = {.start = text, .p = text, .end = text + len, .max_values = max_values, .errors = errors};
    if (!scan_value(&s))
        return s.n_values > max_values ? -ENOMEM : -EBADMSG;
    skip_space(&s);
    if (s.p != s.end) {
        fail(&s, "text after the value");
        return -EBADMSG;
    }
    return s.inexact ? -EBADMSG : 0;
}
