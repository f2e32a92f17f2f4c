/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text in small: quoting strings and the strict check that runs before any JSON of others is parsed. */
#pragma once
#include "record/record.h"

/* Appends s as a JSON string with quotes; "null" for NULL. Bytes that are not UTF-8 become U+FFFD. */
void json_string(struct buf *out, const char *s);
void json_string_n(struct buf *out, const char *s, size_t n);

enum { JSON_DEPTH_MAX = 16 };

/*
 * Checks that the text is one JSON value (RFC 8259) of at most max_values values and JSON_DEPTH_MAX levels,
 * in valid UTF-8, without NUL or lone surrogates in strings, whose numbers are all integers within
 * +-(2^53-1). Duplicate keys are not looked for here. Returns 0, -EBADMSG with errors filled, or -ENOMEM when
 * there are too many values.
 */
int json_check(const char *text, size_t len, size_t max_values, struct rec_errors *errors) MUSTCHECK;
