/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a program's table of commands; inside common/cli only. */
#pragma once
#include "base/map.h"
#include "cli/cli.h"

/* One option that was given or looked up. */
struct setting {
    const struct cli_option *option;
    const char *value;
    enum cli_origin origin;
};

struct cli {
    const struct cli_program *program;
    const struct cli_command *command;
    void *data;
    struct setting *settings; /* while parsing: flags in the order given; then every option once */
    size_t n_settings;
    char **args; /* of the command, borrowed from argv */
    int n_args;
    struct map file; /* KEY -> malloc'd value */
};

extern const struct cli_command cli_builtins[];

#define for_each_option(it, options) for (const struct cli_option *it = (options); it && it->name; it++)

/* All commands: the program's, then those that every program has. Start with NULL; NULL at the end. */
const struct cli_command *cli_next_command(const struct cli_program *program, const struct cli_command *command);
const struct cli_command *cli_find_command(const struct cli_program *program, const char *name);
/* Whether `words` is the group of some command ("gateway" of "gateway token"). */
bool cli_is_group(const struct cli_program *program, const char *words);
const struct cli_option *cli_find_option(const struct cli *cli, const char *name, size_t len, char letter);

/* How many arguments a synopsis takes; max is INT_MAX for "...". */
void cli_count_args(const char *synopsis, int *min, int *max);
/* Whether `value` is one of "a|b|c"; true for an arg without '|'. */
bool cli_value_allowed(const struct cli_option *option, const char *value);
bool cli_parse_bool(const char *text, bool *out);

/* Fills in environment, file and defaults for what no flag gave. 0 or an exit code. */
int cli_resolve(struct cli *cli) MUSTCHECK;
/* Reads KEY=VALUE lines; unknown keys are refused. 0 or an exit code. */
int cli_load_file(struct cli *cli, const char *path, bool must_exist) MUSTCHECK;
