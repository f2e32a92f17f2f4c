/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "base/str.h"
#include "cli/table.h"
#include <stdarg.h>
#include <stdio.h>

static void print_message(const struct cli *cli, const char *fmt, va_list ap)
{
    fprintf(stderr, "%s: ", cli->program->name);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_message(cli, fmt, ap);
    va_end(ap);
    if (cli->command)
        fprintf(stderr, "Try '%s %s --help'.\n", cli->program->name, cli->command->name);
    else
        fprintf(stderr, "Try '%s --help'.\n", cli->program->name);
    return CLI_USAGE;
}

void cli_note(const struct cli *cli, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_message(cli, fmt, ap);
    va_end(ap);
}

int cli_fail(const struct cli *cli, enum cli_exit code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_message(cli, fmt, ap);
    va_end(ap);
    return (int)code;
}

void *cli_data(const struct cli *cli)
{
    return cli->data;
}

/* --- the commands that every program has --- */

static int print_page(const struct buf *page)
{
    return fwrite(buf_str(page), 1, page->len, stdout) == page->len && !fflush(stdout) ? CLI_OK : CLI_FAILURE;
}

static int show_help(const struct cli_program *program, const struct cli_command *command)
{
    BUF_AUTO page = {0};
    cli_help(program, command, &page);
    return print_page(&page);
}

static int show_version(const struct cli_program *program)
{
    return printf("%s %s\n", program->name, POSTERN_VERSION) > 0 && !fflush(stdout) ? CLI_OK : CLI_FAILURE;
}

static int run_help(struct cli *cli, int argc, char **argv)
{
    BUF_AUTO words = {0};
    for (int i = 0; i < argc; i++)
        buf_printf(&words, "%s%s", i ? " " : "", argv[i]);
    const struct cli_command *command = argc ? cli_find_command(cli->program, buf_str(&words)) : NULL;
    if (argc && !command)
        return cli_usage(cli, "unknown command '%s'", buf_str(&words));
    return show_help(cli->program, command);
}

static int run_version(struct cli *cli, int argc, char **argv)
{
    return show_version(cli->program);
}

static int run_completion(struct cli *cli, int argc, char **argv)
{
    BUF_AUTO page = {0};
    if (argc && !str_eq(argv[0], "bash"))
        return cli_usage(cli, "no completion for '%s'; there is one for bash", argv[0]);
    cli_completion(cli->program, &page);
    return print_page(&page);
}

static int run_man(struct cli *cli, int argc, char **argv)
{
    BUF_AUTO page = {0};
    cli_man(cli->program, &page);
    return print_page(&page);
}

static int run_docs(struct cli *cli, int argc, char **argv)
{
    BUF_AUTO page = {0};
    cli_markdown(cli->program, &page);
    return print_page(&page);
}

static const char *const shells[] = {"bash", NULL};

const struct cli_command cli_builtins[] = {
    {.name = "completion",
     .args = "[SHELL]",
     .summary = "Print shell completion",
     .run = run_completion,
     .first_argument = shells,
     .help = "Load it into a running bash with: source <(PROGRAM completion)"},
    {.name = "docs", .summary = "Print the reference page", .run = run_docs, .hidden = true},
    {.name = "help", .args = "[COMMAND...]", .summary = "Explain a command", .run = run_help},
    {.name = "man", .summary = "Print the manual page", .run = run_man, .hidden = true},
    {.name = "version", .summary = "Print the version", .run = run_version},
    {.summary = "end"}, /* tells this end from that of a program's table */
};

/* --- parsing --- */

struct parse {
    struct cli *cli;
    int argc, i;
    char **argv;
    struct buf words; /* of the command so far */
    bool only_args;   /* after "--" */
    int result;       /* < 0: go on */
};

static void set_flag(struct cli *cli, const struct cli_option *o, const char *value)
{
    cli->settings[cli->n_settings++] = (struct setting){o, value, CLI_FROM_FLAG};
}

static int take_value(struct parse *p, const struct cli_option *o, const char *attached)
{
    if (!o->arg && attached)
        return cli_usage(p->cli, "--%s takes no value", o->name);
    if (o->arg && !attached) {
        if (p->i + 1 >= p->argc)
            return cli_usage(p->cli, "--%s needs %s", o->name, o->arg);
        attached = p->argv[++p->i];
    }
    set_flag(p->cli, o, o->arg ? attached : "1");
    return -1;
}

static int parse_long(struct parse *p, const char *arg)
{
    size_t n = strcspn(arg, "=");
    if (str_eq(arg, "help"))
        return show_help(p->cli->program, p->cli->command);
    if (str_eq(arg, "version"))
        return show_version(p->cli->program);
    const struct cli_option *o = cli_find_option(p->cli, arg, n, 0);
    if (!o)
        return cli_usage(p->cli, "unknown option --%.*s", (int)n, arg);
    return take_value(p, o, arg[n] ? arg + n + 1 : NULL);
}

/* -o json, -ojson, and switches together: -yv. */
static int parse_short(struct parse *p, const char *arg)
{
    int r = -1;
    for (; r < 0 && *arg; arg++) {
        const struct cli_option *o = cli_find_option(p->cli, NULL, 0, *arg);
        if (!o && *arg == 'h')
            return show_help(p->cli->program, p->cli->command);
        if (!o)
            return cli_usage(p->cli, "unknown option -%c", *arg);
        r = take_value(p, o, o->arg && arg[1] ? arg + 1 : NULL);
        if (o->arg)
            break;
    }
    return r;
}

static int parse_word(struct parse *p, char *word)
{
    struct cli *cli = p->cli;
    if (cli->command) {
        cli->args[cli->n_args++] = word;
        return -1;
    }
    buf_printf(&p->words, "%s%s", p->words.len ? " " : "", word);
    cli->command = cli_find_command(cli->program, buf_str(&p->words));
    if (!cli->command && !cli_is_group(cli->program, buf_str(&p->words)))
        return cli_usage(cli, "unknown command '%s'", buf_str(&p->words));
    return -1;
}

static int parse_one(struct parse *p)
{
    char *arg = p->argv[p->i];
    if (p->only_args || arg[0] != '-' || !arg[1])
        return parse_word(p, arg);
    if (arg[1] != '-')
        return parse_short(p, arg + 1);
    if (arg[2])
        return parse_long(p, arg + 2);
    p->only_args = true;
    return -1;
}

static int check_count(const struct cli *cli)
{
    int min, max;
    cli_count_args(cli->command->args, &min, &max);
    if (cli->n_args >= min && cli->n_args <= max)
        return -1;
    return cli_usage(cli, "%s: too %s arguments", cli->command->name, cli->n_args < min ? "few" : "many");
}

static int no_command(struct parse *p)
{
    BUF_AUTO page = {0};
    if (p->words.len)
        return cli_usage(p->cli, "'%s' needs one more word", buf_str(&p->words));
    cli_help(p->cli->program, NULL, &page);
    fputs(buf_str(&page), stderr);
    return CLI_USAGE;
}

static int parse_and_run(struct parse *p)
{
    int r = -1;
    for (p->i = 1; r < 0 && p->i < p->argc; p->i++)
        r = parse_one(p);
    if (r < 0 && !p->cli->command)
        r = no_command(p);
    if (r < 0)
        r = check_count(p->cli);
    if (r < 0 && (r = cli_resolve(p->cli)) == 0)
        r = p->cli->command->run(p->cli, p->cli->n_args, p->cli->args);
    return r;
}

int cli_main(const struct cli_program *program, int argc, char **argv, void *data)
{
    struct cli cli = {.program = program, .data = data};
    struct parse p = {.cli = &cli, .argc = argc, .argv = argv};
    size_t n = 1;
    for (int i = 1; i < argc; i++)
        n += strlen(argv[i]); /* each letter of an argument can be a flag */
    cli.settings = xalloc(n * sizeof(*cli.settings));
    cli.args = xalloc(((size_t)argc + 1) * sizeof(*cli.args));
    int r = parse_and_run(&p);
    map_for_each (slot, &cli.file)
        free(slot->value);
    map_done(&cli.file);
    free(cli.settings);
    free(cli.args);
    buf_done(&p.words);
    return r;
}
