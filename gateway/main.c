/* SPDX-License-Identifier: Apache-2.0 */
/* postern-gateway: the command line. */
#include "base/file.h"
#include "base/haste.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "gateway/check.h"
#include "gateway/daemon.h"
#include "gateway/view.h"
#include "proto/enrol_string.h"
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARENA_MAX = 64 << 20 };

static const struct cli_option common_options[] = {{.name = "state-dir",
                                                    .arg = "DIR",
                                                    .env = "POSTERN_GATEWAY_STATE_DIR",
                                                    .fallback = "/var/lib/postern-gateway",
                                                    .help = "Where keys and certificate are kept"},
                                                   {.name = "run-dir",
                                                    .arg = "DIR",
                                                    .env = "POSTERN_GATEWAY_RUN_DIR",
                                                    .fallback = "/run/postern-gateway",
                                                    .help = "Where the control socket and the keys of this boot are"},
                                                   {.name = "config",
                                                    .arg = "FILE",
                                                    .env = "POSTERN_GATEWAY_CONFIG",
                                                    .fallback = "/etc/postern/gateway.conf",
                                                    .help = "File of KEY=VALUE lines"},
                                                   {0}};

static const struct cli_option run_options[] = {{.name = "interface",
                                                 .arg = "NAME",
                                                 .env = "POSTERN_GATEWAY_INTERFACE",
                                                 .fallback = "pst-gw0",
                                                 .help = "Network interface of the tunnels, unique on this machine"},
                                                {.name = "listen-port",
                                                 .arg = "PORT",
                                                 .env = "POSTERN_GATEWAY_LISTEN_PORT",
                                                 .fallback = "51820",
                                                 .help = "UDP port of the tunnels"},
                                                {.name = "engine",
                                                 .arg = "PROGRAM",
                                                 .env = "POSTERN_GATEWAY_ENGINE",
                                                 .fallback = "wireguard-go",
                                                 .help = "Program that speaks WireGuard and serves a UAPI socket"},
                                                {0}};

static const struct cli_option enroll_options[] = {
    {.name = "token-file",
     .arg = "FILE",
     .env = "POSTERN_GATEWAY_TOKEN_FILE",
     .help = "File with the enrolment string; without it standard input is read"},
    {.name = "name", .arg = "NAME", .env = "POSTERN_GATEWAY_NAME", .help = "Name of this gateway, for people"},
    {.name = "anew", .help = "Take the place of an enrolment that is there; the former one stays if this fails"},
    {0}};

static const struct cli_option show_options[] = {
    {.name = "output", .letter = 'o', .arg = CLI_FORMATS, .fallback = "table", .help = "Format of the output"}, {0}};

static int read_string(struct cli *cli, struct buf *out)
{
    const char *path = cli_value(cli, "token-file");
    if (!path && isatty(STDIN_FILENO))
        fprintf(stderr, "Paste the enrolment string and press Enter:\n");
    if (path)
        return file_read(path, ENROL_STRING_MAX + 64, out);
    char line[ENROL_STRING_MAX + 64];
    if (!fgets(line, sizeof(line), stdin))
        return -ENODATA;
    buf_puts(out, line);
    secret_wipe(line, sizeof(line));
    return 0;
}

static int enrol_with(struct cli *cli, const struct enrol_string *e)
{
    char why[ENROL_WHY_MAX], host[65] = "";
    gethostname(host, sizeof(host) - 1);
    const char *name = cli_value(cli, "name");
    struct enroll_request request = {
        .kind = AGENT_GATEWAY, .token = e->token, .name = name ? name : host, .version = POSTERN_VERSION};
    struct enrolment_plan plan = {
        .dir = cli_value(cli, "state-dir"),
        .url = e->url,
        .pin = e->pin,
        .ca_sha256 = e->ca,
        .message_key = e->key.p,
        .from = &request,
        .anew = cli_switch(cli, "anew"),
    };
    int r = identity_enrol(&plan, why);
    switch (r) {
    case 0:
        fprintf(stderr, "enrolled; start it with `postern-gateway run`%s\n",
                plan.anew ? ", again when it runs already" : "");
        return CLI_OK;
    case -EEXIST:
        return cli_fail(cli, CLI_CONFLICT, "%s; --anew replaces that", why);
    case -EACCES:
        return cli_fail(cli, CLI_DENIED, "%s", why);
    case -ECONNREFUSED:
    case -ECONNRESET:
    case -EKEYREJECTED:
    case -EHOSTUNREACH:
    case -ETIMEDOUT:
    case -EAGAIN:
        return cli_fail(cli, CLI_UNREACHABLE, "%s: %s", e->url, why);
    default:
        return cli_fail(cli, CLI_FAILURE, "%s", why);
    }
}

/* The service runs under a user of its own, to whom systemd has given the state folder: what root would leave there
 * could not be read by it. */
static int become_owner(struct cli *cli)
{
    const char *dir = cli_value(cli, "state-dir");
    struct stat st;
    if (geteuid() != 0 || stat(dir, &st) || st.st_uid == 0)
        return CLI_OK;
    if (setgroups(0, NULL) || setgid(st.st_gid) || setuid(st.st_uid))
        return cli_fail(cli, CLI_FAILURE, "cannot become the owner of %s: %s", dir, strerror(errno));
    return CLI_OK;
}

static int enroll(struct cli *cli, int argc, char **argv)
{
    struct buf text = {0};
    struct arena arena;
    struct enrol_string e;
    arena_init(&arena, 64 * 1024);
    int r = secret_no_dumps();
    if (!r)
        r = read_string(cli, &text);
    if (r)
        r = cli_fail(cli, CLI_USAGE, "the enrolment string cannot be read: %s", strerror(-r));
    else if ((r = enrol_string_decode(buf_str(&text), &arena, &e)))
        r = cli_fail(cli, CLI_USAGE,
                     r == -EPROTONOSUPPORT
                         ? "the enrolment string is for a newer version of this program"
                         : "that is not an enrolment string; `posternctl gateway token NAME` prints one");
    else if ((r = become_owner(cli)) == CLI_OK)
        r = enrol_with(cli, &e);
    if (text.data)
        secret_wipe(text.data, text.cap);
    buf_done(&text);
    arena_done(&arena);
    return r;
}

static int run(struct cli *cli, int argc, char **argv)
{
    int64_t port;
    int r = cli_number(cli, "listen-port", 1, 65535, &port);
    if (r)
        return r;
    struct settings settings = {
        .state_dir = cli_value(cli, "state-dir"),
        .run_dir = cli_value(cli, "run-dir"),
        .interface = cli_value(cli, "interface"),
        .engine = cli_value(cli, "engine"),
        .listen_port = (uint16_t)port,
    };
    log_init("postern-gateway");
    if (haste_init() || secret_no_dumps())
        return CLI_USAGE;
    return gateway_run(&settings);
}

/* Asks the daemon and decodes its answer into out; CLI_OK or the exit code after telling why not. */
static int ask(struct cli *cli, const char *command, const struct rec *rec, struct arena *arena, void *out)
{
    BUF_AUTO answer = {0};
    struct rec_errors errors = {0};
    int r = control_ask(cli_value(cli, "run-dir"), command, &answer);
    if (r == -ENOENT || r == -ECONNREFUSED)
        return cli_fail(cli, CLI_UNREACHABLE, "the gateway does not run here");
    if (!r)
        r = rec_decode(rec, REC_AGENT, buf_str(&answer), answer.len, arena, out, &errors);
    return r ? cli_fail(cli, CLI_FAILURE, "no answer from the gateway: %s", strerror(-r)) : CLI_OK;
}

static int print(struct cli *cli, const struct cli_records *records)
{
    BUF_AUTO out = {0};
    cli_print_records(cli_format_parse(cli_value(cli, "output")), records, &out);
    return cli_write(&out);
}

static int status(struct cli *cli, int argc, char **argv)
{
    static const char *const columns[] = {"site",     "connected", "applied",        "revision",
                                          "sessions", "grants",    "denied_packets", NULL};
    struct arena arena;
    struct gateway_status s;
    arena_init(&arena, ARENA_MAX);
    int r = ask(cli, "status", &gateway_status_rec, &arena, &s);
    struct cli_records records = {
        .rec = &gateway_status_rec, .items = &s, .n = 1, .single = true, .columns = columns, .name = "id"};
    if (r == CLI_OK)
        r = print(cli, &records);
    arena_done(&arena);
    return r;
}

static int sessions(struct cli *cli, int argc, char **argv)
{
    static const char *const columns[] = {"label",          "inner_v4",   "endpoint", "last_handshake",
                                          "received_bytes", "sent_bytes", "grants",   NULL};
    struct arena arena;
    struct gateway_sessions s;
    arena_init(&arena, ARENA_MAX);
    int r = ask(cli, "sessions", &gateway_sessions_rec, &arena, &s);
    struct cli_records records = {
        .rec = &gateway_session_rec, .items = s.items, .n = s.n_items, .columns = columns, .name = "connection"};
    if (r == CLI_OK)
        r = print(cli, &records);
    arena_done(&arena);
    return r;
}

static int check(struct cli *cli, int argc, char **argv)
{
    struct check_options options = {
        .state_dir = cli_value(cli, "state-dir"),
        .run_dir = cli_value(cli, "run-dir"),
        .engine = cli_value(cli, "engine"),
    };
    return check_run(&options) ? CLI_FAILURE : CLI_OK;
}

static const struct cli_command commands[] = {
    {.name = "enroll",
     .summary = "Enroll this gateway with an enrolment string from `posternctl gateway token`",
     .help = "The string is a secret, so it is read from a file or standard input, never from the command line.",
     .options = enroll_options,
     .run = enroll},
    {.name = "run",
     .summary = "Run the gateway",
     .help = "SIGTERM says goodbye to the server and takes the tunnels down. SIGHUP ends the agent and leaves tunnels "
             "and grants as they are, for the next one to take over; grants still end by themselves.",
     .options = run_options,
     .run = run},
    {.name = "status", .summary = "Show how the running gateway is", .options = show_options, .run = status},
    {.name = "sessions", .summary = "Show who is connected", .options = show_options, .run = sessions},
    {.name = "check", .summary = "Check what the gateway needs on this host", .options = run_options, .run = check},
    {0}};

static const struct cli_program program = {
    .name = "postern-gateway",
    .summary = "lets the right people reach the resources of a site",
    .options = common_options,
    .commands = commands,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv, NULL);
}
