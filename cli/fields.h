/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people type into the JSON that the API takes: field=value by the record's table. A field ending in _id may be
 * written without it and named instead of numbered; a list may be written in the singular, with commas or repeated.
 */
#pragma once
#include "base/buf.h"
#include "record/record.h"
#include <cjson/cJSON.h>

/* The field that `name` means: itself, name_id, names or namees; NULL when there is none. */
const struct rec_field *field_find(const struct rec *r, const char *name);
/* The JSON of one value; 0, or -EINVAL with a sentence in `why`. The result belongs to the caller. */
int field_value(const struct rec_field *f, const char *text, cJSON **out, struct buf *why) MUSTCHECK;
/* "tcp/443", "udp/8000-8010", "tcp", "icmp", "any" as {"protocol":…,"first":…,"last":…}; NULL when it is none. */
cJSON *field_port(const char *text) MUSTCHECK;
/* Puts the value into the object; lists grow when they are named again. 0, or -EINVAL with a sentence in `why`. */
int field_set(const struct rec *r, cJSON *object, const char *name, const char *text, struct buf *why) MUSTCHECK;
