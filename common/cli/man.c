/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page from the table, in the roff of man(7). */
#include "cli/table.h"
#include <ctype.h>

/* Text with roff's own characters made harmless. An empty line starts a paragraph. */
static void put_text(const char *s, struct buf *out)
{
    bool line_start = true;
    for (; *s; s++) {
        if (line_start && (*s == '.' || *s == '\''))
            buf_puts(out, "\\&");
        if (*s == '\\')
            buf_puts(out, "\\e");
        else if (*s == '-')
            buf_puts(out, "\\-");
        else if (*s == '\n' && s[1] == '\n')
            buf_puts(out, "\n.PP");
        else
            buf_putc(out, *s);
        line_start = *s == '\n';
    }
}

static void put_line(const char *macro, const char *s, struct buf *out)
{
    if (macro)
        buf_printf(out, "%s ", macro);
    put_text(s, out);
    buf_putc(out, '\n');
}

static void put_option(const struct cli_option *o, struct buf *out)
{
    buf_puts(out, ".TP\n");
    if (o->letter)
        buf_printf(out, "\\fB\\-%c\\fR, ", o->letter);
    buf_puts(out, "\\fB\\-\\-");
    put_text(o->name, out);
    buf_puts(out, "\\fR");
    if (o->arg) {
        buf_puts(out, " \\fI");
        put_text(o->arg, out);
        buf_puts(out, "\\fR");
    }
    buf_putc(out, '\n');
    put_text(o->help, out);
    buf_putc(out, '.');
    if (o->fallback) {
        buf_puts(out, " Default: ");
        put_line(NULL, o->fallback, out);
    } else {
        buf_putc(out, '\n');
    }
    if (o->env)
        buf_printf(out, "Environment and file: \\fB%s\\fR.\n", o->env);
}

static void put_options(const struct cli_option *options, struct buf *out)
{
    for_each_option(o, options)
    {
        if (!o->hidden)
            put_option(o, out);
    }
}

static void put_command(const struct cli_command *c, struct buf *out)
{
    put_line(".SS", c->name, out);
    buf_puts(out, "\\fB");
    put_text(c->name, out);
    buf_puts(out, "\\fR ");
    put_line(NULL, c->args ? c->args : "", out);
    buf_puts(out, ".PP\n");
    put_text(c->summary, out);
    buf_puts(out, ".\n");
    if (c->help) {
        buf_puts(out, ".PP\n");
        put_line(NULL, c->help, out);
    }
    put_options(c->options, out);
}

static void put_title(const struct cli_program *program, struct buf *out)
{
    buf_puts(out, ".TH ");
    for (const char *s = program->name; *s; s++)
        buf_putc(out, (char)toupper((unsigned char)*s));
    buf_printf(out, " 1 \"\" \"Postern %s\" \"Postern\"\n.SH NAME\n", POSTERN_VERSION);
    put_text(program->name, out);
    buf_puts(out, " \\- ");
    put_line(NULL, program->summary, out);
}

void cli_man(const struct cli_program *program, struct buf *out)
{
    put_title(program, out);
    buf_puts(out, ".SH SYNOPSIS\n\\fB");
    put_text(program->name, out);
    buf_puts(out, "\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n");
    if (program->help) {
        buf_puts(out, ".SH DESCRIPTION\n");
        put_line(NULL, program->help, out);
    }
    buf_puts(out, ".SH COMMANDS\n");
    for (const struct cli_command *c = NULL; (c = cli_next_command(program, c));)
        if (!c->hidden)
            put_command(c, out);
    if (program->options) {
        buf_puts(out, ".SH OPTIONS OF EVERY COMMAND\n");
        put_options(program->options, out);
    }
    buf_puts(out, ".SH EXIT STATUS\n");
    for (const struct cli_exit_row *row = cli_exit_rows; row->text; row++)
        buf_printf(out, ".TP\n%d\n%s\n", row->code, row->text);
}
