/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines from one table: it makes the parser, help, the man page and shell completion. Settings come from the
 * flag, else the environment, else the configuration file, else the default, and remember from where. The table
 * belongs to the program; values live until cli_main() returns.
 *
 *   static const struct cli_option run_options[] = {
 *       {.name = "listen", .letter = 'l', .arg = "ADDRESS", .env = "POSTERN_LISTEN", .fallback = "[::]:8443",
 *        .help = "Where people connect"},
 *       {0}};
 *   static const struct cli_command commands[] = {
 *       {.name = "run", .summary = "Run the gateway", .options = run_options, .run = run},
 *       {.name = "gateway token", .args = "NAME", .summary = "Print an enrolment string", .run = gateway_token},
 *       {0}};
 *   static const struct cli_program program = {.name = "postern-gateway", .summary = "...", .commands = commands};
 *   int main(int argc, char **argv) { return cli_main(&program, argc, argv, NULL); }
 *
 * help, version, completion, man, docs, --help and --version come by themselves. Usage errors exit with CLI_USAGE and a hint.
 */
#pragma once
#include "base/buf.h"

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILURE = 1,
    CLI_USAGE = 2,
    CLI_NOT_FOUND = 3,
    CLI_DENIED = 4, /* by policy or role */
    CLI_NOT_SIGNED_IN = 5,
    CLI_CONFLICT = 6,
    CLI_UNREACHABLE = 7,
    CLI_PARTLY = 8,
    CLI_INTERRUPTED = 130,
};

struct cli_exit_row {
    enum cli_exit code;
    const char *text; /* NULL ends the table */
};
extern const struct cli_exit_row cli_exit_rows[];

struct cli;

/* arg NULL makes a switch: --yes; in the environment or file it is 1/0, true/false, yes/no or on/off. An arg like
 * "json|yaml" also limits the values. Tables end with a row without a name. */
struct cli_option {
    const char *name;     /* long name without dashes */
    char letter;          /* short name, or 0 */
    const char *arg;      /* what stands for the value in help, e.g. "FILE" */
    const char *env;      /* environment variable and key of the configuration file, or NULL */
    const char *fallback; /* default, or NULL */
    const char *help;     /* one line, no full stop */
    bool hidden;
};

/* args is the synopsis and the check at once: "KIND [NAME|ID] [FIELD=VALUE...]"; words in [] may be missing, "..."
 * takes any number. */
struct cli_command {
    const char *name; /* "get", or "gateway token" for a command of a group */
    const char *args;
    const char *summary;               /* one line, no full stop */
    const char *help;                  /* paragraphs, or NULL */
    const struct cli_option *options;  /* or NULL */
    const char *const *first_argument; /* what shell completion offers, or NULL */
    int (*run)(struct cli *cli, int argc, char **argv);
    bool hidden;
};

struct cli_program {
    const char *name, *summary;
    const char *help;                 /* paragraphs for the top of the man page, or NULL */
    const struct cli_option *options; /* for every command, or NULL; one named "config" is read as a file of
                                         KEY=VALUE lines before the other settings are looked up */
    const struct cli_command *commands;
};

enum cli_origin { CLI_FROM_NOWHERE, CLI_FROM_DEFAULT, CLI_FROM_FILE, CLI_FROM_ENVIRONMENT, CLI_FROM_FLAG };

/* Parses, runs the command and returns its exit code. `data` is what cli_data() gives to the commands. */
int cli_main(const struct cli_program *program, int argc, char **argv, void *data) MUSTCHECK;

void *cli_data(const struct cli *cli);
/* Effective value of an option of this command or program; NULL when there is none. Unknown names abort. */
const char *cli_value(const struct cli *cli, const char *name);
bool cli_switch(const struct cli *cli, const char *name);
/* Whole number in [lo, hi]: 0, or CLI_USAGE after telling what is wrong. */
int cli_number(const struct cli *cli, const char *name, int64_t lo, int64_t hi, int64_t *out) MUSTCHECK;
enum cli_origin cli_origin(const struct cli *cli, const char *name);
/* Prints every option of this command and program with its value and origin, for `config show`. */
void cli_show_settings(const struct cli *cli);

/* All print "program: text" on stderr; cli_usage() adds the hint to the command's help and returns CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
void cli_note(const struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
int cli_fail(const struct cli *cli, enum cli_exit code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Pages of a program; command NULL = the whole program. */
void cli_help(const struct cli_program *program, const struct cli_command *command, struct buf *out);
void cli_man(const struct cli_program *program, struct buf *out);
void cli_markdown(const struct cli_program *program, struct buf *out);
void cli_completion(const struct cli_program *program, struct buf *out);
