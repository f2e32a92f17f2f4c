/* SPDX-License-Identifier: Apache-2.0 */
/* posternctl: the administrator's command line. Everything it does goes through the REST API. */
#include "cli/ctl.h"

static const struct cli_option program_options[] = {
    {.name = "output",
     .letter = 'o',
     .arg = CLI_FORMATS,
     .env = "POSTERN_OUTPUT",
     .fallback = "table",
     .help = "How to print"},
    {.name = "context", .arg = "NAME", .env = "POSTERN_CONTEXT", .fallback = "default", .help = "Which sign-in to use"},
    {.name = "server",
     .arg = "URL",
     .env = "POSTERN_SERVER",
     .help = "Server to use without a context, with --token-file"},
    {.name = "token-file",
     .arg = "FILE",
     .env = "POSTERN_TOKEN_FILE",
     .help = "File with an API token; - is standard input"},
    {.name = "timeout",
     .arg = "SECONDS",
     .env = "POSTERN_TIMEOUT",
     .fallback = "60",
     .help = "Longest wait for an answer"},
    {0},
};

static const struct cli_option login_options[] = {
    {.name = "email", .letter = 'e', .arg = "ADDRESS", .env = "POSTERN_EMAIL", .help = "Who signs in"},
    {.name = "password-file",
     .arg = "FILE",
     .env = "POSTERN_PASSWORD_FILE",
     .help = "File with the password; - is standard input; none asks on the terminal"},
    {.name = "setup", .arg = "FILE", .help = "Become the first administrator with the set-up token in this file"},
    {.name = "name", .arg = "NAME", .help = "Your name, with --setup"},
    {0},
};
static const struct cli_option list_options[] = {
    {.name = "limit", .letter = 'l', .arg = "N", .fallback = "100", .help = "Most records to print"},
    {.name = "filter", .arg = "FILTER", .help = "Only records that match, e.g. 'name = \"wiki\"'"},
    {0},
};
#define LOG_OPTIONS(example)                                                                                     \
    {                                                                                                            \
        {.name = "follow", .letter = 'f', .help = "Go on with what comes"},                                      \
            {.name = "limit", .letter = 'l', .arg = "N", .fallback = "100", .help = "Most records to print"},    \
            {.name = "filter", .arg = "FILTER", .help = "Only records that match, e.g. '" example " = \"ID\"'"}, \
        {                                                                                                        \
            0                                                                                                    \
        }                                                                                                        \
    }
static const struct cli_option decisions_options[] = LOG_OPTIONS("person_id");
static const struct cli_option audit_options[] = LOG_OPTIONS("object_id");
static const struct cli_option file_options[] = {
    {.name = "file",
     .letter = 'f',
     .arg = "FILE",
     .help = "Take the object from a file in JSON or YAML; - is standard input"},
    {0},
};
static const struct cli_option delete_options[] = {
    {.name = "yes", .letter = 'y', .help = "Do not ask"},
    {0},
};
static const struct cli_option api_options[] = {
    {.name = "data", .letter = 'd', .arg = "JSON", .help = "Body; @FILE takes it from a file, @- from standard input"},
    {.name = "if-match", .arg = "ETAG", .help = "Revision that is meant"},
    {0},
};
static const struct cli_option password_options[] = {
    {.name = "password-file", .arg = "FILE", .help = "File with the new password; - is standard input"},
    {0},
};

static const char fields_help[] =
    "Fields are those of the API. References take names as well as ids and may leave out _id (site=hq);\n"
    "lists take commas or are repeated (address=10.0.0.5 address=10.0.1.0/24); ports look like\n"
    "tcp/443,tcp/8000-8010; times also like 90d from now; an empty value takes a field's value away.";

static const struct cli_command commands[] = {
    {.name = "login",
     .args = "URL",
     .summary = "Sign in and remember it",
     .options = login_options,
     .run = run_login,
     .help = "URL is https://host:port, with #pin=sha256//... behind it where the server printed one."},
    {.name = "logout", .summary = "Sign out and forget it", .run = run_logout},
    {.name = "get",
     .args = "KIND [NAME|ID]",
     .summary = "Show one object or list all of a kind",
     .options = list_options,
     .first_argument = kind_words,
     .run = run_get},
    {.name = "create",
     .args = "KIND [FIELD=VALUE...]",
     .summary = "Make an object",
     .options = file_options,
     .first_argument = kind_words,
     .run = run_create,
     .help = fields_help},
    {.name = "edit",
     .args = "KIND NAME|ID [FIELD=VALUE...]",
     .summary = "Change an object; without fields in $EDITOR",
     .options = file_options,
     .first_argument = kind_words,
     .run = run_edit,
     .help = fields_help},
    {.name = "delete",
     .args = "KIND NAME|ID",
     .summary = "Delete an object",
     .options = delete_options,
     .first_argument = kind_words,
     .run = run_delete},
    {.name = "decisions",
     .summary = "Show who was let in or refused, and why",
     .options = decisions_options,
     .run = run_decisions},
    {.name = "audit", .summary = "Show who changed what", .options = audit_options, .run = run_audit},
    {.name = "gateway token",
     .args = "NAME|ID",
     .summary = "Print a new one-time enrolment string",
     .run = run_gateway_token,
     .help = "It is for 'postern-gateway enroll'; an earlier one for the same gateway ends."},
    {.name = "person password",
     .args = "EMAIL|ID",
     .summary = "Set a person's local password",
     .options = password_options,
     .run = run_person_password},
    {.name = "device block", .args = "NAME|ID", .summary = "Take all access from a device", .run = run_device_block},
    {.name = "device unblock",
     .args = "NAME|ID",
     .summary = "Let a device ask for access again",
     .run = run_device_unblock},
    {.name = "api",
     .args = "METHOD PATH",
     .summary = "Send any request to the REST API",
     .options = api_options,
     .run = run_api,
     .help = "Prints the answer's body as it came, also of refusals."},
    {0},
};

static const struct cli_program program = {
    .name = "posternctl",
    .summary = "administers a Postern server through its REST API",
    .help = "Kinds are sites, gateways, resources, people, groups, memberships, devices, policies, tokens,\n"
            "decisions and audit-events; the singular will do. Data goes to standard output, everything else\n"
            "to standard error.",
    .options = program_options,
    .commands = commands,
};

int main(int argc, char **argv)
{
    struct ctl ctl = {0};
    arena_init(&ctl.arena, (size_t)1 << 31);
    int r = cli_main(&program, argc, argv, &ctl);
    ctl_done(&ctl);
    return r;
}
