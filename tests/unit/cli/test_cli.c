/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"
#include "test.h"
#include <sys/wait.h>
#include <unistd.h>

/* What the command that ran saw. */
static struct seen {
    char command[32], args[128], listen[64], format[16];
    enum cli_origin listen_origin;
    bool yes;
    int limit_result;
    int64_t limit;
} seen;

static int run_serve(struct cli *cli, int argc, char **argv)
{
    str_copy(seen.command, sizeof(seen.command), cli_data(cli));
    str_copy(seen.listen, sizeof(seen.listen), cli_value(cli, "listen"));
    seen.listen_origin = cli_origin(cli, "listen");
    seen.yes = cli_switch(cli, "yes");
    seen.limit_result = cli_number(cli, "limit", 1, 500, &seen.limit);
    str_copy(seen.format, sizeof(seen.format), cli_value(cli, "output") ? cli_value(cli, "output") : "");
    for (int i = 0; i < argc; i++) {
        size_t n = strlen(seen.args);
        snprintf(seen.args + n, sizeof(seen.args) - n, "[%s]", argv[i]);
    }
    return CLI_OK;
}

static int run_token(struct cli *cli, int argc, char **argv)
{
    str_copy(seen.command, sizeof(seen.command), "token");
    str_copy(seen.args, sizeof(seen.args), argv[0]);
    return cli_fail(cli, CLI_CONFLICT, "no");
}

static const struct cli_option global_options[] = {
    {.name = "config", .arg = "FILE", .env = "T_CONFIG", .fallback = "/nonexistent/t.conf", .help = "Settings"},
    {.name = "output", .letter = 'o', .arg = "json|yaml", .env = "T_OUTPUT", .help = "Format"},
    {0},
};
static const struct cli_option serve_options[] = {
    {.name = "listen", .letter = 'l', .arg = "ADDRESS", .env = "T_LISTEN", .fallback = "[::]:1", .help = "Where"},
    {.name = "limit", .arg = "N", .fallback = "50", .help = "How many"},
    {.name = "yes", .letter = 'y', .env = "T_YES", .help = "Do not ask"},
    {0},
};
static const char *const kinds[] = {"sites", "people", NULL};
static const struct cli_command commands[] = {
    {.name = "serve",
     .args = "KIND [NAME...]",
     .summary = "Serve",
     .options = serve_options,
     .run = run_serve,
     .first_argument = kinds,
     .help = "First.\n\n.hidden 'roff' back\\slash"},
    {.name = "gateway token", .args = "NAME", .summary = "Print a token", .run = run_token},
    {0},
};
static const struct cli_program program = {
    .name = "t-prog", .summary = "test", .options = global_options, .commands = commands};

/* Runs a command line of words separated by spaces; "~" stands for an empty word. */
static int run(const char *line)
{
    char copy[256], *argv[32] = {"t-prog"}, *rest = copy;
    int argc = 1;
    seen = (struct seen){0};
    str_copy(copy, sizeof(copy), line);
    for (char *w; (w = strsep(&rest, " "));)
        if (*w)
            argv[argc++] = str_eq(w, "~") ? "" : w;
    return cli_main(&program, argc, argv, "serve");
}

static void test_parsing(void **state)
{
    static const struct {
        const char *line;
        int result;
        const char *command, *args;
    } rows[] = {
        {"serve sites", 0, "serve", "[sites]"},
        {"serve sites a b", 0, "serve", "[sites][a][b]"},
        {"serve", CLI_USAGE, "", ""},
        {"gateway token g", CLI_CONFLICT, "token", "g"},
        {"gateway token", CLI_USAGE, "", ""},
        {"gateway token a b", CLI_USAGE, "", ""},
        {"gateway", CLI_USAGE, "", ""},
        {"gateway x", CLI_USAGE, "", ""},
        {"gate", CLI_USAGE, "", ""},
        {"", CLI_USAGE, "", ""},
        {"~", CLI_USAGE, "", ""},
        {"serve sites --bad", CLI_USAGE, "", ""},
        {"serve sites -z", CLI_USAGE, "", ""},
        {"serve sites --listen", CLI_USAGE, "", ""},
        {"serve sites --yes=1", CLI_USAGE, "", ""},
        {"serve sites -o xml", CLI_USAGE, "", ""},
        {"serve sites -o jso", CLI_USAGE, "", ""},
        {"--listen x serve sites", CLI_USAGE, "", ""},
        {"serve -- --listen", 0, "serve", "[--listen]"},
        {"serve - x", 0, "serve", "[-][x]"},
        {"version", 0, "", ""},
        {"--version", 0, "", ""},
        {"help", 0, "", ""},
        {"help gateway token", 0, "", ""},
        {"help nothing", CLI_USAGE, "", ""},
        {"serve --help", 0, "", ""},
        {"-h", 0, "", ""},
        {"man", 0, "", ""},
        {"completion bash", 0, "", ""},
        {"completion fish", CLI_USAGE, "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int r = run(rows[i].line);
        if (r != rows[i].result || !str_eq(seen.command, rows[i].command) || !str_eq(seen.args, rows[i].args))
            fail_msg("'%s': %d, %s %s", rows[i].line, r, seen.command, seen.args);
    }
}

static void test_options_anywhere(void **state)
{
    assert_int_equal(run("-o json serve -y --listen=a:1 sites -l b:2 --limit 7"), 0);
    assert_string_equal(seen.format, "json");
    assert_string_equal(seen.listen, "b:2");
    assert_int_equal(seen.listen_origin, CLI_FROM_FLAG);
    assert_true(seen.yes);
    assert_int_equal(seen.limit, 7);
    assert_int_equal(run("serve sites -ylc:3"), 0);
    assert_string_equal(seen.listen, "c:3");
    assert_int_equal(run("serve sites --limit 501"), 0);
    assert_int_equal(seen.limit_result, CLI_USAGE);
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(file_replace(path, text, strlen(text), 0600), 0);
}

static void test_origins(void **state)
{
    char path[] = "/tmp/test_cli.XXXXXX", line[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(run("serve sites"), 0);
    assert_string_equal(seen.listen, "[::]:1");
    assert_int_equal(seen.listen_origin, CLI_FROM_DEFAULT);

    write_file(path, "# comment\n\n  T_LISTEN = \"file:1\"  \nT_YES=on\n");
    snprintf(line, sizeof(line), "serve sites --config %s", path);
    assert_int_equal(run(line), 0);
    assert_string_equal(seen.listen, "file:1");
    assert_int_equal(seen.listen_origin, CLI_FROM_FILE);
    assert_true(seen.yes);

    setenv("T_LISTEN", "env:1", 1);
    setenv("T_YES", "no", 1);
    assert_int_equal(run(line), 0);
    assert_string_equal(seen.listen, "env:1");
    assert_int_equal(seen.listen_origin, CLI_FROM_ENVIRONMENT);
    assert_false(seen.yes);
    setenv("T_LISTEN", "", 1);
    assert_int_equal(run(line), 0);
    assert_string_equal(seen.listen, "file:1"); /* empty is not set */
    setenv("T_YES", "maybe", 1);
    assert_int_equal(run(line), CLI_USAGE);
    unsetenv("T_YES");
    unsetenv("T_LISTEN");

    write_file(path, "POSTERN_LOG_LEVEL=warn\nPOSTERN_LOG=json\n");
    setenv("POSTERN_LOG_LEVEL", "error", 1);
    assert_int_equal(run(line), 0);
    assert_string_equal(getenv("POSTERN_LOG_LEVEL"), "error");
    assert_string_equal(getenv("POSTERN_LOG"), "json");
    unsetenv("POSTERN_LOG_LEVEL");
    unsetenv("POSTERN_LOG");

    write_file(path, "T_LISTN=x\n");
    assert_int_equal(run(line), CLI_USAGE);
    write_file(path, "T_LISTEN\n");
    assert_int_equal(run(line), CLI_USAGE);
    unlink(path);
    assert_int_equal(run(line), CLI_USAGE); /* named but missing */
}

static void test_pages_name_everything(void **state)
{
    BUF_AUTO help = {0}, man = {0}, completion = {0}, serve = {0}, docs = {0};
    cli_help(&program, NULL, &help);
    cli_help(&program, &commands[0], &serve);
    cli_man(&program, &man);
    cli_markdown(&program, &docs);
    cli_completion(&program, &completion);
    for (const struct cli_command *c = commands; c->name; c++) {
        assert_non_null(strstr(buf_str(&help), c->name));
        assert_non_null(strstr(buf_str(&man), c->name));
        assert_non_null(strstr(buf_str(&docs), c->name));
        assert_non_null(strstr(buf_str(&completion), c->name));
    }
    for (const struct cli_option *o = serve_options; o->name; o++) {
        assert_non_null(strstr(buf_str(&serve), o->name));
        assert_non_null(strstr(buf_str(&man), o->name));
        assert_non_null(strstr(buf_str(&docs), o->name));
        assert_non_null(strstr(buf_str(&completion), o->name));
    }
    assert_null(strstr(buf_str(&help), "man "));
    assert_non_null(strstr(buf_str(&docs), "--output json\\|yaml` |"));
    assert_non_null(strstr(buf_str(&man), "\n\\&.hidden 'roff' back\\eslash\n"));
    assert_non_null(strstr(buf_str(&completion), "sites people"));
}

/* Bash itself must take the script and complete with it. */
static void test_completion_in_bash(void **state)
{
    static const char ask[] =
        "try() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _t_prog; echo \"${COMPREPLY[*]}\"; }\n"
        "[ \"$(try t-prog se)\" = serve ] || exit 11\n"
        "[ \"$(try t-prog gateway '')\" = token ] || exit 12\n"
        "[ \"$(try t-prog serve pe)\" = people ] || exit 13\n"
        "[ \"$(try t-prog serve -o y)\" = yaml ] || exit 14\n"
        "[ \"$(try t-prog serve --li)\" = '--listen --limit' ] || exit 15\n";
    BUF_AUTO script = {0};
    cli_completion(&program, &script);
    buf_puts(&script, ask);
    char path[] = "/tmp/test_completion.XXXXXX";
    int fd = mkstemp(path), status;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script.data, script.len), script.len);
    close(fd);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/bash", "bash", "--norc", path, (char *)NULL);
        _exit(99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    unlink(path);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsing),
        cmocka_unit_test(test_options_anywhere),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_pages_name_everything),
        cmocka_unit_test(test_completion_in_bash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
