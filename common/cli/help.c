/* SPDX-License-Identifier: Apache-2.0 */
/* Help for terminals from the table. */
#include "base/str.h"
#include "cli/table.h"

enum { LEFT_MAX = 30 };

/* Left column of an option: "-o, --output FORMAT". */
static void put_option_name(const struct cli_option *o, struct buf *out)
{
    if (o->letter)
        buf_printf(out, "-%c, ", o->letter);
    else
        buf_puts(out, "    ");
    buf_printf(out, "--%s", o->name);
    if (o->arg)
        buf_printf(out, " %s", o->arg);
}

static void put_row(const char *left, const char *right, int width, struct buf *out)
{
    if ((int)strlen(left) > width)
        buf_printf(out, "  %s\n  %*s  %s", left, width, "", right);
    else
        buf_printf(out, "  %-*s  %s", width, left, right);
}

static void put_option(const struct cli_option *o, int width, struct buf *out)
{
    BUF_AUTO left = {0};
    put_option_name(o, &left);
    put_row(buf_str(&left), o->help, width, out);
    if (o->fallback && o->env)
        buf_printf(out, " (default %s; %s)", o->fallback, o->env);
    else if (o->fallback)
        buf_printf(out, " (default %s)", o->fallback);
    else if (o->env)
        buf_printf(out, " (%s)", o->env);
    buf_putc(out, '\n');
}

static int option_width(const struct cli_option *options)
{
    int width = 10;
    for_each_option(o, options)
    {
        BUF_AUTO left = {0};
        put_option_name(o, &left);
        if (!o->hidden && left.len <= LEFT_MAX)
            width = MAX(width, (int)left.len);
    }
    return width;
}

static void put_options(const char *title, const struct cli_option *options, struct buf *out)
{
    int width = option_width(options);
    if (!options || !options->name)
        return;
    buf_printf(out, "\n%s:\n", title);
    for_each_option(o, options)
    {
        if (!o->hidden)
            put_option(o, width, out);
    }
}

static void put_left(const struct cli_command *c, struct buf *out)
{
    buf_printf(out, "%s%s%s", c->name, c->args ? " " : "", c->args ? c->args : "");
}

static void put_commands(const struct cli_program *program, struct buf *out)
{
    int width = 0;
    for (const struct cli_command *c = NULL; (c = cli_next_command(program, c));) {
        BUF_AUTO left = {0};
        put_left(c, &left);
        if (!c->hidden && left.len <= LEFT_MAX)
            width = MAX(width, (int)left.len);
    }
    buf_puts(out, "\nCommands:\n");
    for (const struct cli_command *c = NULL; (c = cli_next_command(program, c));) {
        BUF_AUTO left = {0};
        if (c->hidden)
            continue;
        put_left(c, &left);
        put_row(buf_str(&left), c->summary, width, out);
        buf_putc(out, '\n');
    }
}

static void help_program(const struct cli_program *program, struct buf *out)
{
    buf_printf(out, "%s: %s\n\nUsage: %s COMMAND [OPTIONS]\n", program->name, program->summary, program->name);
    if (program->help)
        buf_printf(out, "\n%s\n", program->help);
    put_commands(program, out);
    put_options("Options of every command", program->options, out);
    buf_printf(out, "\n'%s COMMAND --help' explains a command.\n", program->name);
}

void cli_help(const struct cli_program *program, const struct cli_command *command, struct buf *out)
{
    if (!command) {
        help_program(program, out);
        return;
    }
    buf_printf(out, "Usage: %s ", program->name);
    put_left(command, out);
    buf_printf(out, "%s\n\n%s.\n", command->options ? " [OPTIONS]" : "", command->summary);
    if (command->help)
        buf_printf(out, "\n%s\n", command->help);
    put_options("Options", command->options, out);
    put_options("Options of every command", program->options, out);
}
