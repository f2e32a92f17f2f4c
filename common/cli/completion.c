/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for bash from the table. */
#include "base/str.h"
#include "cli/table.h"

/* A shell function may not have hyphens in POSIX mode. */
static void put_function(const struct cli_program *program, struct buf *out)
{
    buf_putc(out, '_');
    for (const char *s = program->name; *s; s++)
        buf_putc(out, *s == '-' ? '_' : *s);
}

static void put_option_words(const struct cli_option *options, struct buf *out)
{
    for_each_option(o, options)
    {
        if (!o->hidden)
            buf_printf(out, " --%s", o->name);
    }
}

/* One case per option whose values are known: -o|--output) words ;; */
static void put_values(const struct cli_option *options, struct buf *out)
{
    for_each_option(o, options)
    {
        if (!o->arg || o->hidden)
            continue;
        buf_puts(out, "    ");
        if (o->letter)
            buf_printf(out, "-%c | ", o->letter);
        buf_printf(out, "--%s) ", o->name);
        if (strchr(o->arg, '|')) {
            buf_puts(out, "COMPREPLY=($(compgen -W '");
            for (const char *s = o->arg; *s; s++)
                buf_putc(out, *s == '|' ? ' ' : *s);
            buf_puts(out, "' -- \"$cur\")) ;");
        }
        buf_puts(out, "return ;;\n");
    }
}

/* Words that make up commands: "gateway" and "gateway token". */
static void put_prefixes(const char *name, struct buf *out)
{
    for (const char *space = strchr(name, ' '); space; space = strchr(space + 1, ' '))
        buf_printf(out, " | \"%.*s\"", (int)(space - name), name);
    buf_printf(out, " | \"%s\"", name);
}

static void put_command_case(const struct cli_program *program, const struct cli_command *c, struct buf *out)
{
    buf_printf(out, "    \"%s\") words='", c->name);
    for (const char *const *w = c->first_argument; w && *w; w++)
        buf_printf(out, "%s%s", w == c->first_argument ? "" : " ", *w);
    put_option_words(c->options, out);
    put_option_words(program->options, out);
    buf_puts(out, " --help' ;;\n");
    const char *space = strrchr(c->name, ' ');
    if (space)
        buf_printf(out, "    \"%.*s\") words+=' %s' ;;&\n", (int)(space - c->name), c->name, space + 1);
}

static void put_commands(const struct cli_program *program, struct buf *out)
{
    buf_puts(out, "    case $command in\n    '') words='");
    for (const struct cli_command *c = NULL; (c = cli_next_command(program, c));)
        if (!c->hidden)
            buf_printf(out, "%.*s ", (int)strcspn(c->name, " "), c->name);
    put_option_words(program->options, out);
    buf_puts(out, " --help --version' ;;\n");
    for (const struct cli_command *c = NULL; (c = cli_next_command(program, c));)
        if (!c->hidden)
            put_command_case(program, c, out);
    buf_puts(out, "    esac\n");
}

void cli_completion(const struct cli_program *program, struct buf *out)
{
    put_function(program, out);
    buf_puts(out, "() {\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                  "    local command='' words='' next i\n    COMPREPLY=()\n"
                  "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "        next=\"${command:+$command }${COMP_WORDS[i]}\"\n"
                  "        case $next in\n        ''");
    for (const struct cli_command *c = NULL; (c = cli_next_command(program, c));)
        put_prefixes(c->name, out);
    buf_puts(out, ") command=$next ;;\n        esac\n    done\n    case $prev in\n");
    put_values(program->options, out);
    for (const struct cli_command *c = program->commands; c->name; c++)
        put_values(c->options, out);
    buf_puts(out, "    esac\n");
    put_commands(program, out);
    buf_puts(out, "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F ");
    put_function(program, out);
    buf_printf(out, " %s\n", program->name);
}
