/* SPDX-License-Identifier: Apache-2.0 */
/* YAML and JSON of the same data, through libyaml. Owns nothing. */
#pragma once
#include "base/buf.h"

/* Appends the JSON value as a YAML document whose plain scalars every YAML reader takes as they are meant. */
int yaml_from_json(const char *json, size_t len, struct buf *out) MUSTCHECK;
/*
 * Appends the YAML document as JSON, by the core schema: plain null, true, false and integers are those, everything
 * else a string. Anchors, aliases, tags, duplicate keys and more than one document are refused.
 * 0, or -EINVAL with one line about what is wrong in `why`.
 */
int yaml_to_json(const char *yaml, size_t len, struct buf *out, struct buf *why) MUSTCHECK;
