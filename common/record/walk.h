/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text of any shape, told as events: for printing and converting what no record describes. Owns nothing. */
#pragma once
#include "record/record.h"

enum json_event {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER, /* text = its digits */
    JSON_STRING, /* text = the string itself */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
};

/* key is the name of a member, NULL elsewhere and at ends; text as above. */
typedef void json_visit(void *arg, enum json_event event, const char *key, const char *text);

/* Checks the text as json_check() does and tells its values in order. 0, -EBADMSG or -ENOMEM. */
int json_walk(const char *text, size_t len, size_t max_values, json_visit *visit, void *arg,
              struct rec_errors *errors) MUSTCHECK;
/* Appends the JSON text with line breaks and indentation. */
int json_pretty(const char *text, size_t len, struct buf *out) MUSTCHECK;
