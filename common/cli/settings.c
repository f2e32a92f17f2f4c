/* SPDX-License-Identifier: Apache-2.0 */
/* Where a setting comes from: flag, environment, file, default. */
#include "base/file.h"
#include "base/str.h"
#include "cli/table.h"
#include <stdio.h>

enum { FILE_MAX = 1 << 20 };

/* What base/log.h reads from the environment; every program's file may have it. */
static bool for_log(const char *key)
{
    return str_eq(key, "POSTERN_LOG") || str_eq(key, "POSTERN_LOG_LEVEL");
}

static bool known_in(const struct cli_option *options, const char *key)
{
    for_each_option(o, options)
    {
        if (o->env && str_eq(o->env, key))
            return true;
    }
    return false;
}

/* Commands of one program share a file, so a key of any of them is fine. */
static bool known_key(const struct cli_program *program, const char *key)
{
    if (for_log(key))
        return true;
    for (const struct cli_command *c = program->commands; c->name; c++)
        if (known_in(c->options, key))
            return true;
    return known_in(program->options, key);
}

/* Cuts white space at both ends in place. */
static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n && strchr(" \t\r", s[n - 1]))
        s[--n] = '\0';
    return s;
}

/* "value" and 'value' lose their quotes, as in systemd's EnvironmentFile. */
static char *unquote(char *s)
{
    size_t n = strlen(s);
    if (n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n - 1] == s[0]) {
        s[n - 1] = '\0';
        s++;
    }
    return s;
}

static int load_line(struct cli *cli, const char *path, int number, char *line)
{
    char *key = trim(line), *eq = strchr(key, '=');
    if (!*key || *key == '#' || *key == ';')
        return 0;
    if (!eq)
        return cli_fail(cli, CLI_USAGE, "%s:%d: expected KEY=VALUE", path, number);
    *eq = '\0';
    key = trim(key);
    if (!known_key(cli->program, key))
        return cli_fail(cli, CLI_USAGE, "%s:%d: unknown setting %s", path, number, key);
    const char *value = unquote(trim(eq + 1));
    if (for_log(key))
        return setenv(key, value, 0) ? -errno : 0;
    free(map_set(&cli->file, key, str_dup(value)));
    return 0;
}

int cli_load_file(struct cli *cli, const char *path, bool must_exist)
{
    BUF_AUTO text = {0};
    int r = file_read(path, FILE_MAX, &text), number = 0;
    if (r == -ENOENT && !must_exist)
        return 0;
    if (r)
        return cli_fail(cli, CLI_USAGE, "%s: %s", path, strerror(-r));
    for (char *line = text.data, *next; !r && line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        r = load_line(cli, path, ++number, line);
    }
    return r;
}

static void look_up(const struct cli *cli, struct setting *s)
{
    const struct cli_option *o = s->option;
    const char *from_env = o->env ? getenv(o->env) : NULL;
    const char *from_file = o->env ? map_get(&cli->file, o->env) : NULL;
    if (from_env && *from_env) /* empty is how scripts say "not set" */
        *s = (struct setting){o, from_env, CLI_FROM_ENVIRONMENT};
    else if (from_file && *from_file)
        *s = (struct setting){o, from_file, CLI_FROM_FILE};
    else if (o->fallback)
        *s = (struct setting){o, o->fallback, CLI_FROM_DEFAULT};
}

static int check_value(const struct cli *cli, const struct setting *s)
{
    const char *where = s->origin == CLI_FROM_FLAG ? "--" : s->option->env;
    const char *name = s->origin == CLI_FROM_FLAG ? s->option->name : "";
    bool on;
    if (!s->value)
        return 0;
    if (!s->option->arg && !cli_parse_bool(s->value, &on))
        return cli_usage(cli, "%s%s: must be yes or no", where, name);
    if (!cli_value_allowed(s->option, s->value))
        return cli_usage(cli, "%s%s: must be one of %s", where, name, s->option->arg);
    return 0;
}

/* The setting of an option as the flags gave it: the last one counts. */
static struct setting from_flags(const struct setting *flags, size_t n, const struct cli_option *o)
{
    while (n--)
        if (flags[n].option == o)
            return flags[n];
    return (struct setting){.option = o};
}

static size_t count_options(const struct cli_option *options)
{
    size_t n = 0;
    for_each_option(o, options) n++;
    return n;
}

static int resolve_table(struct cli *cli, const struct setting *flags, size_t n_flags, const struct cli_option *options)
{
    for_each_option(o, options)
    {
        struct setting *s = &cli->settings[cli->n_settings++];
        *s = from_flags(flags, n_flags, o);
        if (s->origin != CLI_FROM_FLAG)
            look_up(cli, s);
        int r = check_value(cli, s);
        if (r)
            return r;
    }
    return 0;
}

static int load_configured_file(struct cli *cli, const struct setting *flags, size_t n_flags)
{
    for_each_option(o, cli->program->options)
    {
        if (!str_eq(o->name, "config"))
            continue;
        struct setting s = from_flags(flags, n_flags, o);
        if (s.origin != CLI_FROM_FLAG)
            look_up(cli, &s);
        return s.value ? cli_load_file(cli, s.value, s.origin != CLI_FROM_DEFAULT) : 0;
    }
    return 0;
}

int cli_resolve(struct cli *cli)
{
    struct setting *flags = cli->settings;
    size_t n_flags = cli->n_settings;
    size_t n = count_options(cli->command->options) + count_options(cli->program->options);
    cli->settings = xalloc(n * sizeof(*cli->settings));
    cli->n_settings = 0;
    int r = load_configured_file(cli, flags, n_flags);
    if (!r)
        r = resolve_table(cli, flags, n_flags, cli->command->options);
    if (!r)
        r = resolve_table(cli, flags, n_flags, cli->program->options);
    free(flags);
    return r;
}

static const struct setting *setting(const struct cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->n_settings; i++)
        if (str_eq(cli->settings[i].option->name, name))
            return &cli->settings[i];
    abort(); /* a mistake in the program's table */
}

const char *cli_value(const struct cli *cli, const char *name)
{
    return setting(cli, name)->value;
}

bool cli_switch(const struct cli *cli, const char *name)
{
    const char *value = cli_value(cli, name);
    bool on = false;
    return value && cli_parse_bool(value, &on) && on;
}

int cli_number(const struct cli *cli, const char *name, int64_t lo, int64_t hi, int64_t *out)
{
    const char *value = cli_value(cli, name);
    if (value && !parse_i64(value, lo, hi, out))
        return 0;
    return cli_usage(cli, "--%s: must be a number from %lld to %lld", name, (long long)lo, (long long)hi);
}

enum cli_origin cli_origin(const struct cli *cli, const char *name)
{
    return setting(cli, name)->origin;
}

void cli_show_settings(const struct cli *cli)
{
    static const char *const origins[] = {"not set", "default", "file", "environment", "flag"};
    for (size_t i = 0; i < cli->n_settings; i++) {
        const struct setting *s = &cli->settings[i];
        if (s->option->env)
            printf("%s=%s  # %s\n", s->option->env, s->value ? s->value : "", origins[s->origin]);
    }
}
