/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/enrol_string.h"
#include "base/encode.h"
#include "base/str.h"

#define PREFIX "pstenr_"
#define SPACE  " \t\r\n"

#define REC_SELF enrol_string
REC_TABLE(enrol_string, ENROL_STRING_FIELDS)
#undef REC_SELF

void enrol_string_encode(const struct enrol_string *e, struct buf *out)
{
    BUF_AUTO json = {0};
    rec_encode(&enrol_string_rec, e, 0, &json);
    char *text = xalloc(BASE64URL_LEN(json.len));
    base64url_encode(json.data, json.len, text);
    buf_puts(out, PREFIX);
    buf_puts(out, text);
    free(text);
}

static bool another_version(const struct rec_errors *errors)
{
    for (size_t i = 0; i < errors->n; i++)
        if (str_eq(errors->at[i].pointer, "/v"))
            return true;
    return false;
}

int enrol_string_decode(const char *text, struct arena *a, struct enrol_string *out)
{
    struct rec_errors errors = {0};
    size_t n;
    text += strspn(text, SPACE);
    size_t len = strcspn(text, SPACE);
    if (!str_starts(text, PREFIX) || len > ENROL_STRING_MAX || text[len + strspn(text + len, SPACE)])
        return -EINVAL;
    char *code = arena_strndup(a, text + strlen(PREFIX), len - strlen(PREFIX));
    char *json = arena_alloc(a, len);
    if (!code || !json)
        return -ENOMEM;
    if (base64url_decode(code, json, len, &n))
        return -EINVAL;
    int r = rec_decode(&enrol_string_rec, REC_AGENT, json, n, a, out, &errors);
    if (r == -EBADMSG)
        return another_version(&errors) ? -EPROTONOSUPPORT : -EINVAL;
    return r;
}
