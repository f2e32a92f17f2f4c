/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/frame/layout.h"

static bool all(const char *s, bool (*ok)(unsigned char c))
{
    for (; *s; s++)
        if (!ok((unsigned char)*s))
            return false;
    return true;
}

static bool is_visible(unsigned char c)
{
    return c > 0x20 && c < 0x7f;
}

/* RFC 9110 section 5.6.2, without upper case */
static bool is_name(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_value(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool is_upper(unsigned char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool method_ok(const char *s)
{
    return all(s, is_upper);
}

static bool path_ok(const char *s)
{
    return s[0] == '/' && all(s, is_visible);
}

static bool visible_ok(const char *s)
{
    return all(s, is_visible);
}

bool frame_field_ok(const char *name, const char *value)
{
    return *name && all(name, is_name) && all(value, is_value);
}

#define AT(member) offsetof(struct frame, member)

static const struct tlv hello_tlvs[] = {
    {1, TLV_NUMBER, true, AT(hello.listener), FRAME_PEOPLE, FRAME_AGENTS, NULL},
    {2, TLV_NUMBER, true, AT(hello.version), 1, UINT16_MAX, NULL},
};

static const struct tlv request_tlvs[] = {
    {1, TLV_TEXT, true, AT(request.method), 1, 16, method_ok},
    {2, TLV_TEXT, true, AT(request.path), 1, FRAME_PATH_MAX, path_ok},
    {3, TLV_TEXT, false, AT(request.query), 0, FRAME_PATH_MAX, visible_ok},
    {4, TLV_TEXT, true, AT(request.peer), 1, 64, visible_ok},
    {5, TLV_TEXT, true, AT(request.tls), 1, 16, visible_ok},
    {6, TLV_TEXT, true, AT(request.request_id), 1, 64, visible_ok},
    {7, TLV_FIELDS, false, AT(request.headers), 0, FRAME_VALUE_MAX, NULL},
    {8, TLV_BYTES, false, AT(request.body), 0, FRAME_BODY_MAX, NULL},
    {9, TLV_BYTES, false, AT(request.certificate), 1, FRAME_CERTIFICATE_MAX, NULL},
};

static const struct tlv response_tlvs[] = {
    {1, TLV_NUMBER, true, AT(response.status), 200, 599, NULL},
    {2, TLV_FIELDS, false, AT(response.headers), 0, FRAME_VALUE_MAX, NULL},
    {3, TLV_BYTES, false, AT(response.body), 0, FRAME_DATA_MAX, NULL},
};

static const struct tlv data_tlvs[] = {
    {1, TLV_BYTES, true, AT(data), 1, FRAME_DATA_MAX, NULL},
};

static const struct frame_layout layouts[FRAME_TYPE_END] = {
    [FRAME_HELLO] = {"HELLO", FRAME_FROM_FRONT, ARRAY_LEN(hello_tlvs), hello_tlvs},
    [FRAME_REQUEST] = {"REQUEST", FRAME_FROM_FRONT, ARRAY_LEN(request_tlvs), request_tlvs},
    [FRAME_CANCEL] = {"CANCEL", FRAME_FROM_FRONT, 0, NULL},
    [FRAME_CREDIT] = {"CREDIT", FRAME_FROM_FRONT, 0, NULL},
    [FRAME_RESPONSE] = {"RESPONSE", FRAME_FROM_CORE, ARRAY_LEN(response_tlvs), response_tlvs},
    /* the same without the body */
    [FRAME_STREAM_START] = {"STREAM_START", FRAME_FROM_CORE, ARRAY_LEN(response_tlvs) - 1, response_tlvs},
    [FRAME_STREAM_DATA] = {"STREAM_DATA", FRAME_FROM_CORE, ARRAY_LEN(data_tlvs), data_tlvs},
    [FRAME_STREAM_END] = {"STREAM_END", FRAME_FROM_CORE, 0, NULL},
};

const struct frame_layout *frame_layout(enum frame_type type)
{
    return (int)type >= FRAME_HELLO && (int)type < FRAME_TYPE_END ? &layouts[type] : NULL;
}

const char *frame_type_name(enum frame_type type)
{
    const struct frame_layout *layout = frame_layout(type);
    return layout ? layout->name : "?";
}

enum frame_side frame_side_of(enum frame_type type)
{
    return layouts[type].side;
}
