/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests: from field=value arguments or from a file in JSON or YAML, with names turned into ids. */
#pragma once

#include "cli/ctl.h"
#include <cjson/cJSON.h>

/* The object that the arguments say. CLI_OK or an exit code; the result belongs to the caller (cJSON_Delete). */
int body_from_args(const struct cli *cli, const struct kind *kind, int argc, char **argv, cJSON **out) MUSTCHECK;
/* The object or list of objects in a file, "-" = standard input. Fields that the server sets are left out. */
int body_from_file(const struct cli *cli, const struct kind *kind, const char *path, cJSON **out) MUSTCHECK;
/* The same from text; `name` is for messages. */
int body_from_text(const struct cli *cli, const struct kind *kind, const char *name, const struct buf *text,
                   cJSON **out) MUSTCHECK;
/* Where there is no name but the kind makes one of other fields: "permit engineering wiki". */
void body_default_name(const struct kind *kind, int argc, char **argv, cJSON *object);
/* Text of a body without white space. */
void body_print(const cJSON *node, struct buf *out);
