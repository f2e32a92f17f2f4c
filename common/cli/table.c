/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"
#include "base/str.h"
#include <limits.h>

const struct cli_exit_row cli_exit_rows[] = {
    {CLI_OK, "done"},
    {CLI_FAILURE, "failure"},
    {CLI_USAGE, "wrong usage"},
    {CLI_NOT_FOUND, "not found"},
    {CLI_DENIED, "denied"},
    {CLI_NOT_SIGNED_IN, "not signed in"},
    {CLI_CONFLICT, "conflict"},
    {CLI_UNREACHABLE, "unreachable"},
    {CLI_PARTLY, "partly done"},
    {CLI_INTERRUPTED, "interrupted"},
    {0},
};

const struct cli_command *cli_next_command(const struct cli_program *program, const struct cli_command *command)
{
    command = command ? command + 1 : program->commands;
    if (command->name)
        return command;
    /* The end of the program's table, or of the common one. */
    return command->summary ? NULL : cli_builtins;
}

const struct cli_command *cli_find_command(const struct cli_program *program, const char *name)
{
    for (const struct cli_command *c = NULL; (c = cli_next_command(program, c));)
        if (str_eq(c->name, name))
            return c;
    return NULL;
}

bool cli_is_group(const struct cli_program *program, const char *words)
{
    size_t n = strlen(words);
    for (const struct cli_command *c = program->commands; c->name; c++)
        if (str_starts(c->name, words) && c->name[n] == ' ')
            return true;
    return false;
}

static const struct cli_option *find_in(const struct cli_option *options, const char *name, size_t len, char letter)
{
    for_each_option(o, options)
    {
        if (name ? strlen(o->name) == len && !memcmp(o->name, name, len) : o->letter == letter)
            return o;
    }
    return NULL;
}

const struct cli_option *cli_find_option(const struct cli *cli, const char *name, size_t len, char letter)
{
    const struct cli_option *o = cli->command ? find_in(cli->command->options, name, len, letter) : NULL;
    return o ? o : find_in(cli->program->options, name, len, letter);
}

void cli_count_args(const char *synopsis, int *min, int *max)
{
    *min = *max = 0;
    for (const char *s = synopsis ? synopsis : ""; *s; s += strspn(s, " ")) {
        size_t n = strcspn(s, " ");
        bool many = memmem(s, n, "...", 3) != NULL;
        *min += s[0] != '[';
        *max = many || *max == INT_MAX ? INT_MAX : *max + 1;
        s += n;
    }
}

bool cli_value_allowed(const struct cli_option *option, const char *value)
{
    size_t len = strlen(value);
    if (!option->arg || !strchr(option->arg, '|'))
        return true;
    for (const char *s = option->arg;;) {
        size_t n = strcspn(s, "|");
        if (n == len && !memcmp(s, value, n))
            return true;
        if (!s[n])
            return false;
        s += n + 1;
    }
}

bool cli_parse_bool(const char *text, bool *out)
{
    static const char *const words[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(text, words[i])) {
            *out = i % 2;
            return true;
        }
    return false;
}
