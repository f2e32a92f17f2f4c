/* SPDX-License-Identifier: Apache-2.0 */
/* postern: the command line. All but `daemon` only talk to the daemon. */
#include "base/file.h"
#include "base/haste.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/address.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "client/daemon.h"
#include <stdio.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { ANSWER_MEMORY = 64 << 20, LINE_MAX_BYTES = 16 << 20, PASSWORD_MAX = 1024 };

static const struct cli_option common_options[] = {{.name = "state-dir",
                                                    .arg = "DIR",
                                                    .env = "POSTERN_CLIENT_STATE_DIR",
                                                    .fallback = "/var/lib/postern-client",
                                                    .help = "Where the device's key and certificate are kept"},
                                                   {.name = "run-dir",
                                                    .arg = "DIR",
                                                    .env = "POSTERN_CLIENT_RUN_DIR",
                                                    .fallback = "/run/postern-client",
                                                    .help = "Where the daemon's socket and the keys of this boot are"},
                                                   {.name = "config",
                                                    .arg = "FILE",
                                                    .env = "POSTERN_CLIENT_CONFIG",
                                                    .fallback = "/etc/postern/client.conf",
                                                    .help = "File of KEY=VALUE lines"},
                                                   {0}};

static const struct cli_option daemon_options[] = {{.name = "interface",
                                                    .arg = "NAME",
                                                    .env = "POSTERN_CLIENT_INTERFACE",
                                                    .fallback = "pst0",
                                                    .help = "Network interface of the tunnels, unique on this machine"},
                                                   {.name = "engine",
                                                    .arg = "PROGRAM",
                                                    .env = "POSTERN_CLIENT_ENGINE",
                                                    .fallback = "wireguard-go",
                                                    .help = "Program that speaks WireGuard and serves a UAPI socket"},
                                                   {0}};

static const struct cli_option login_options[] = {
    {.name = "server", .arg = "URL", .env = "POSTERN_CLIENT_SERVER", .help = "Like the argument URL"},
    {.name = "email",
     .letter = 'e',
     .arg = "ADDRESS",
     .env = "POSTERN_CLIENT_EMAIL",
     .help = "Who signs in; asked when not given"},
    {.name = "password-file",
     .arg = "FILE",
     .env = "POSTERN_CLIENT_PASSWORD_FILE",
     .help = "Read the password from there"},
    {0}};

static const struct cli_option show_options[] = {
    {.name = "output", .letter = 'o', .arg = CLI_FORMATS, .fallback = "table", .help = "Format of the output"}, {0}};

/* The final reply; its memory is the arena's. */
struct asked {
    struct arena arena;
    struct local_reply reply;
};

static int send_request(int fd, const struct local_request *request)
{
    BUF_AUTO line = {0};
    buf_reserve(&line, 16384); /* in one place, to be wiped */
    rec_encode(&local_request_rec, request, 0, &line);
    buf_putc(&line, '\n');
    int r = 0;
    for (size_t at = 0; r == 0 && at < line.len;) {
        ssize_t n = send(fd, line.data + at, line.len - at, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            r = -errno;
        at += n < 0 ? 0 : (size_t)n;
    }
    secret_wipe(line.data, line.cap);
    return r;
}

/* Shows progress and returns with the final reply. */
static int receive(int fd, struct asked *out)
{
    BUF_AUTO in = {0};
    struct rec_errors errors = {0};
    for (;;) {
        const char *end = in.len ? memchr(in.data, '\n', in.len) : NULL;
        if (!end) {
            char piece[8192];
            ssize_t n = recv(fd, piece, sizeof(piece), 0);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0 || in.len + (size_t)n > LINE_MAX_BYTES)
                return n < 0 ? -errno : -ECONNRESET;
            buf_append(&in, piece, (size_t)n);
            continue;
        }
        size_t len = (size_t)(end - in.data);
        arena_done(&out->arena);
        arena_init(&out->arena, ANSWER_MEMORY);
        int r = rec_decode(&local_reply_rec, REC_AGENT, in.data, len, &out->arena, &out->reply, &errors);
        if (r || out->reply.final)
            return r;
        if (out->reply.text)
            fprintf(stderr, "%s\n", out->reply.text);
        buf_consume(&in, len + 1);
    }
}

/* Asks the daemon; its exit status, or CLI_UNREACHABLE after saying so. The text of the final reply is printed here:
 * a success on stderr as well, since it is no data. */
static int ask(struct cli *cli, const struct local_request *request, struct asked *out)
{
    *out = (struct asked){0};
    arena_init(&out->arena, ANSWER_MEMORY);
    int fd = control_connect(cli_value(cli, "run-dir"));
    if (fd < 0)
        return cli_fail(cli, CLI_UNREACHABLE, "the daemon does not run here (%s): systemctl start postern",
                        strerror(-fd));
    int r = send_request(fd, request);
    if (r == 0)
        r = receive(fd, out);
    close(fd);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "no answer from the daemon: %s", strerror(-r));
    if (out->reply.text && out->reply.exit)
        return cli_fail(cli, (enum cli_exit)out->reply.exit, "%s", out->reply.text);
    if (out->reply.text)
        fprintf(stderr, "%s\n", out->reply.text);
    return (int)out->reply.exit;
}

static int ask_simply(struct cli *cli, enum local_verb verb)
{
    struct asked asked;
    int r = ask(cli, &(struct local_request){.verb = verb}, &asked);
    arena_done(&asked.arena);
    return r;
}

static int run_daemon(struct cli *cli, int argc, char **argv)
{
    struct settings settings = {.state_dir = cli_value(cli, "state-dir"),
                                .run_dir = cli_value(cli, "run-dir"),
                                .interface = cli_value(cli, "interface"),
                                .engine = cli_value(cli, "engine")};
    log_init("postern");
    if (haste_init() || secret_no_dumps())
        return CLI_USAGE;
    return client_run(&settings);
}

static int up(struct cli *cli, int argc, char **argv)
{
    return ask_simply(cli, LOCAL_UP);
}

static int down(struct cli *cli, int argc, char **argv)
{
    return ask_simply(cli, LOCAL_DOWN);
}

static int logout(struct cli *cli, int argc, char **argv)
{
    return ask_simply(cli, LOCAL_LOGOUT);
}

static int print(struct cli *cli, const struct cli_records *records)
{
    BUF_AUTO out = {0};
    cli_print_records(cli_format_parse(cli_value(cli, "output")), records, &out);
    return cli_write(&out);
}

static void print_sites(const struct local_status *s, struct buf *out)
{
    for (size_t i = 0; i < s->n_sites; i++) {
        const struct local_site *site = &s->sites[i];
        buf_printf(out, "site %s: %s", site->site, site->state);
        if (*site->endpoint)
            buf_printf(out, " through %s at %s", site->gateway, site->endpoint);
        if (site->reason)
            buf_printf(out, " (%s)", site->reason);
        buf_putc(out, '\n');
    }
}

static int print_status(const struct local_status *s)
{
    BUF_AUTO out = {0};
    if (!s->signed_in)
        buf_printf(&out, "Nobody is signed in%s.\n", *s->device ? "" : ", and this device is not enrolled");
    else
        buf_printf(&out, "%s is signed in at %s (%s).\n", s->email, s->server,
                   s->connected ? "connected" : "not connected now");
    if (s->signed_in)
        buf_printf(&out, "%lld resource%s; tunnels are %s, %s %s %s\n", (long long)s->resources,
                   s->resources == 1 ? "" : "s", s->up ? "up" : "down", s->interface, s->inner_v4, s->inner_v6);
    print_sites(s, &out);
    for (size_t i = 0; i < s->n_clashes; i++)
        buf_printf(&out, "in the way: %s\n", s->clashes[i]);
    if (s->problem)
        buf_printf(&out, "problem: %s\n", s->problem);
    return cli_write(&out);
}

static int status(struct cli *cli, int argc, char **argv)
{
    struct asked asked;
    int r = ask(cli, &(struct local_request){.verb = LOCAL_STATUS}, &asked), written = CLI_OK;
    const struct local_status *s = asked.reply.status;
    struct cli_records records = {.rec = &local_status_rec, .items = s, .n = 1, .single = true, .name = "email"};
    if (s)
        written = str_eq(cli_value(cli, "output"), "table") ? print_status(s) : print(cli, &records);
    arena_done(&asked.arena);
    return r ? r : written;
}

static int resources(struct cli *cli, int argc, char **argv)
{
    static const char *const columns[] = {"name", "addresses", "ports", "reachable", NULL}, *const wide[] = {
                                                                                                "id", "site", NULL};
    struct asked asked;
    int r = ask(cli, &(struct local_request){.verb = LOCAL_RESOURCES}, &asked);
    struct cli_records records = {.rec = &local_resource_rec,
                                  .items = asked.reply.resources,
                                  .n = asked.reply.n_resources,
                                  .columns = columns,
                                  .wide = wide};
    if (r == CLI_OK)
        r = print(cli, &records);
    arena_done(&asked.arena);
    return r;
}

static int why(struct cli *cli, int argc, char **argv)
{
    struct asked asked;
    int r = ask(cli, &(struct local_request){.verb = LOCAL_WHY, .resource = argv[0]}, &asked), written = CLI_OK;
    const struct why_answer *w = asked.reply.why;
    struct cli_records records = {.rec = &why_answer_rec, .items = w, .n = 1, .single = true, .name = "reason"};
    if (w && str_eq(cli_value(cli, "output"), "table")) {
        BUF_AUTO out = {0};
        buf_printf(&out, "%s\n", w->reason);
        written = cli_write(&out);
    } else if (w) {
        written = print(cli, &records);
    }
    arena_done(&asked.arena);
    return r ? r : written;
}

/* --- login --- */

static int read_line(struct cli *cli, const char *prompt, bool secret, struct buf *out)
{
    char line[PASSWORD_MAX + 2];
    struct termios before, quiet;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before))
        return cli_usage(cli, "without a terminal --email and --password-file are needed");
    quiet = before;
    if (secret)
        quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    fputs(prompt, stderr);
    bool got = fgets(line, sizeof(line), stdin) != NULL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    if (secret)
        fputc('\n', stderr);
    buf_reserve(out, sizeof(line));
    if (got)
        buf_append(out, line, strcspn(line, "\n"));
    secret_wipe(line, sizeof(line));
    return got && out->len ? CLI_OK : cli_fail(cli, CLI_FAILURE, "nothing was given");
}

static int read_password(struct cli *cli, struct buf *out)
{
    const char *path = cli_value(cli, "password-file");
    if (!path)
        return read_line(cli, "Password: ", true, out);
    int r = file_read(path, PASSWORD_MAX, out);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "%s: %s", path, strerror(-r));
    while (out->len && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->data[--out->len] = '\0';
    return out->len ? CLI_OK : cli_fail(cli, CLI_FAILURE, "%s is empty", path);
}

static int login(struct cli *cli, int argc, char **argv)
{
    BUF_AUTO email = {0}, password = {0};
    struct address address = {0};
    struct asked asked;
    const char *why, *server = argc > 0 ? argv[0] : cli_value(cli, "server");
    if (server && address_parse(server, &address, &why))
        return cli_usage(cli, "%s", why);
    int r = CLI_OK;
    if (cli_value(cli, "email"))
        buf_puts(&email, cli_value(cli, "email"));
    else
        r = read_line(cli, "E-mail address: ", false, &email);
    if (r == CLI_OK)
        r = read_password(cli, &password);
    if (r == CLI_OK) {
        struct local_request request = {.verb = LOCAL_LOGIN,
                                        .server = *address.url ? address.url : NULL,
                                        .pin = *address.pin ? address.pin : NULL,
                                        .email = buf_str(&email),
                                        .password = buf_str(&password)};
        r = ask(cli, &request, &asked);
        arena_done(&asked.arena);
    }
    if (password.data)
        secret_wipe(password.data, password.cap);
    return r;
}

static const struct cli_command commands[] = {
    {.name = "login",
     .args = "[URL]",
     .summary = "Sign in; the first time this device is enrolled",
     .help =
         "URL is https://host:port, with #pin=sha256//... behind it where you were given one; needed the first time "
         "only. The password is asked on the terminal or read from a file, never taken from the command line.",
     .options = login_options,
     .run = login},
    {.name = "logout", .summary = "Sign out and take the tunnels down", .run = logout},
    {.name = "up", .summary = "Open tunnels to everything that you may reach", .run = up},
    {.name = "down", .summary = "Take the tunnels down and stay signed in", .run = down},
    {.name = "status",
     .summary = "Show who is signed in and how the tunnels are",
     .options = show_options,
     .run = status},
    {.name = "resources", .summary = "List what you may reach now", .options = show_options, .run = resources},
    {.name = "why",
     .args = "RESOURCE",
     .summary = "Say whether and why you may reach a resource or not",
     .help =
         "Exit status 4 when you may not. A resource that you may not know of gets the same answer as one that does "
         "not exist.",
     .options = show_options,
     .run = why},
    {.name = "daemon",
     .summary = "Run the client's daemon; systemd does",
     .help = "SIGTERM takes the tunnels down and keeps the session for the next daemon of this boot. SIGHUP leaves the "
             "tunnels as well.",
     .options = daemon_options,
     .run = run_daemon},
    {0}};

static const struct cli_program program = {
    .name = "postern",
    .summary = "reaches your organisation's resources through Postern",
    .options = common_options,
    .commands = commands,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv, NULL);
}
