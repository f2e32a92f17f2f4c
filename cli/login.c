/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in and out. Passwords and set-up tokens come from files or the terminal, never from arguments. */
#include "base/str.h"
#include "cli/ctl.h"
#include "record/json.h"
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

/* Asks on the terminal without echo. */
static int ask_password(const struct cli *cli, struct buf *out)
{
    char line[1024];
    struct termios old, quiet;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &old))
        return cli_usage(cli, "without a terminal the password needs --password-file");
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    /* Silent before it asks: what is typed early is neither shown nor flushed away. */
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    fputs("Password: ", stderr);
    bool got = fgets(line, sizeof(line), stdin) != NULL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    fputc('\n', stderr);
    if (got)
        buf_append(out, line, strcspn(line, "\n"));
    explicit_bzero(line, sizeof(line));
    return got && out->len ? CLI_OK : cli_fail(cli, CLI_FAILURE, "no password was given");
}

static void put_field(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s\"%s\":", out->len ? "," : "{", name);
    json_string(out, value);
}

static void wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
}

/* The body of sign-in or set-up, and where it goes. */
static int make_request(const struct cli *cli, struct buf *body)
{
    const char *email = cli_value(cli, "email"), *file = cli_value(cli, "password-file");
    const char *setup = cli_value(cli, "setup"), *name = cli_value(cli, "name");
    BUF_AUTO password = {0}, token = {0};
    if (!email)
        return cli_usage(cli, "--email is needed");
    if (setup && str_eq(setup, "-") && file && str_eq(file, "-"))
        return cli_usage(cli, "only one secret can come from standard input");
    int r = setup ? ctl_read_secret(cli, setup, &token) : CLI_OK;
    if (!r)
        r = file ? ctl_read_secret(cli, file, &password) : ask_password(cli, &password);
    if (!r) {
        buf_reserve(body, 8 * (password.len + token.len) + 4096); /* one block, so that wiping it wipes all */
        put_field(body, "email", email);
        put_field(body, "password", buf_str(&password));
        if (setup) {
            put_field(body, "token", buf_str(&token));
            put_field(body, "name", name ? name : email);
        }
        buf_putc(body, '}');
    }
    wipe(&password);
    wipe(&token);
    return r;
}

static int save(const struct cli *cli, const struct address *address, const struct buf *json)
{
    const char *name = cli_value(cli, "context");
    struct signed_in s;
    struct rec_errors errors;
    if (rec_decode(&signed_in_rec, REC_AGENT, buf_str(json), json->len, &ctl_of(cli)->arena, &s, &errors) || !s.token)
        return cli_fail(cli, CLI_FAILURE, "the server's answer cannot be read");
    const struct context c = {.url = address->url,
                              .pin = address->pin[0] ? address->pin : NULL,
                              .token = s.token,
                              .email = s.email,
                              .expires_at = s.expires_at};
    int r = context_save(name, &c);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "context '%s' cannot be saved: %s", name, strerror(-r));
    cli_note(cli, "signed in to %s as %s (%s)", address->url, s.email ? s.email : "?", role_names[s.role]);
    return CLI_OK;
}

int run_login(struct cli *cli, int argc, char **argv)
{
    REST_ANSWER_AUTO answer = {0};
    BUF_AUTO body = {0}, path = {0};
    struct address address;
    const char *why;
    int64_t timeout_s = 0;
    if (address_parse(argv[0], &address, &why))
        return cli_usage(cli, "%s", why);
    if (context_path(cli_value(cli, "context"), &path))
        return cli_usage(cli, "--context must be a plain word, and $HOME set");
    int r = cli_number(cli, "timeout", 1, 86400, &timeout_s);
    if (!r)
        r = make_request(cli, &body);
    if (!r) {
        ctl_of(cli)->rest = rest_new(&address, NULL, (int)timeout_s);
        const char *where = cli_value(cli, "setup") ? "/api/v1/setup" : "/api/v1/sign-in";
        r = rest_do(cli, ctl_of(cli)->rest,
                    &(struct rest_call){.method = "POST", .path = where, .body = buf_str(&body)}, &answer);
    }
    if (!r)
        r = save(cli, &address, &answer.body);
    wipe(&body);
    wipe(&answer.body);
    return r;
}

int run_logout(struct cli *cli, int argc, char **argv)
{
    REST_ANSWER_AUTO answer = {0};
    const char *name = cli_value(cli, "context");
    if (cli_value(cli, "server"))
        return cli_usage(cli, "logout ends a context; a token ends with 'posternctl delete token NAME'");
    int r = ctl_open(cli);
    if (r)
        return r;
    bool told =
        rest_call(ctl_of(cli)->rest, &(struct rest_call){.method = "POST", .path = "/api/v1/sign-out"}, &answer);
    r = context_remove(name);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "context '%s' cannot be removed: %s", name, strerror(-r));
    if (!told || (answer.status != 204 && answer.status != 401))
        return cli_fail(cli, CLI_PARTLY,
                        "forgotten here, but the server was not told: the sign-in ends there by itself");
    return CLI_OK;
}
