/* SPDX-License-Identifier: Apache-2.0 */
/* The reference page of a program from the table, in Markdown. */
#include "cli/table.h"

/* Text inside a table or paragraph: what Markdown would take for itself is escaped. */
static void put_text(const char *s, struct buf *out)
{
    for (; *s; s++) {
        if (strchr("\\`*_<>|#[]", *s))
            buf_putc(out, '\\');
        buf_putc(out, *s);
    }
}

static void put_code(const char *s, struct buf *out)
{
    buf_putc(out, '`');
    for (; *s; s++) {
        if (*s == '|')
            buf_putc(out, '\\'); /* or it would end the table's cell */
        buf_putc(out, *s);
    }
    buf_putc(out, '`');
}

static void put_option(const struct cli_option *o, struct buf *out)
{
    BUF_AUTO name = {0};
    if (o->letter)
        buf_printf(&name, "-%c, ", o->letter);
    buf_printf(&name, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
    buf_puts(out, "| ");
    put_code(buf_str(&name), out);
    buf_puts(out, " | ");
    put_text(o->help, out);
    buf_puts(out, " | ");
    if (o->env)
        put_code(o->env, out);
    buf_puts(out, " | ");
    if (o->fallback)
        put_code(o->fallback, out);
    buf_puts(out, " |\n");
}

static void put_options(const struct cli_option *options, struct buf *out)
{
    if (!options || !options->name)
        return;
    buf_puts(out, "\n| Option | Meaning | Environment and file | Default |\n|---|---|---|---|\n");
    for_each_option(o, options)
    {
        if (!o->hidden)
            put_option(o, out);
    }
}

static void put_command(const struct cli_program *program, const struct cli_command *c, struct buf *out)
{
    buf_printf(out, "\n## %s\n\n```\n%s %s%s%s\n```\n\n", c->name, program->name, c->name, c->args ? " " : "",
               c->args ? c->args : "");
    put_text(c->summary, out);
    buf_puts(out, ".\n");
    if (c->help) {
        buf_putc(out, '\n');
        put_text(c->help, out);
        buf_putc(out, '\n');
    }
    put_options(c->options, out);
}

void cli_markdown(const struct cli_program *program, struct buf *out)
{
    buf_printf(out, "<!-- Made by `%s docs`; do not edit. -->\n# %s\n\n", program->name, program->name);
    put_text(program->name, out);
    buf_putc(out, ' ');
    put_text(program->summary, out);
    buf_puts(out, ".\n");
    if (program->help) {
        buf_putc(out, '\n');
        put_text(program->help, out);
        buf_putc(out, '\n');
    }
    for (const struct cli_command *c = NULL; (c = cli_next_command(program, c));)
        if (!c->hidden)
            put_command(program, c, out);
    if (program->options) {
        buf_puts(out, "\n## Options of every command\n");
        put_options(program->options, out);
    }
    buf_puts(out, "\n## Exit status\n\n");
    for (const struct cli_exit_row *row = cli_exit_rows; row->text; row++)
        buf_printf(out, "- %d: %s\n", row->code, row->text);
}
