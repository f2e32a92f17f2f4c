/* SPDX-License-Identifier: Apache-2.0 */
/* What is not reading and writing of objects: verbs of single nouns, and any request by hand. */
#include "base/file.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "record/json.h"

enum { BODY_MAX = 1 << 20 };

/* POST /kind/id/verb */
static int post_verb(const struct cli *cli, const char *singular, const char *name, const char *verb, const char *body,
                     struct rest_answer *answer)
{
    const struct kind *kind = kind_find(singular);
    BUF_AUTO path = {0};
    const char *id;
    int r = ctl_open(cli);
    if (!r)
        r = ctl_resolve(cli, kind, name, &id);
    if (r)
        return r;
    ctl_path(kind, id, verb, &path);
    return rest_do(cli, ctl_of(cli)->rest, &(struct rest_call){.method = "POST", .path = buf_str(&path), .body = body},
                   answer);
}

int run_gateway_token(struct cli *cli, int argc, char **argv)
{
    REST_ANSWER_AUTO answer = {0};
    BUF_AUTO out = {0};
    struct enrolment e;
    struct rec_errors errors;
    enum cli_format format = cli_format_parse(cli_value(cli, "output"));
    int r = post_verb(cli, "gateway", argv[0], "enrolment", NULL, &answer);
    if (r)
        return r;
    if (rec_decode(&enrolment_rec, REC_AGENT, buf_str(&answer.body), answer.body.len, &ctl_of(cli)->arena, &e,
                   &errors) ||
        !e.enrolment)
        return cli_fail(cli, CLI_FAILURE, "the server's answer cannot be read");
    if (format != CLI_JSON && format != CLI_YAML)
        buf_printf(&out, "%s\n", e.enrolment);
    else if (cli_print_json(format, buf_str(&answer.body), answer.body.len, &out))
        return cli_fail(cli, CLI_FAILURE, "the server's answer cannot be read");
    return cli_write(&out);
}

int run_person_password(struct cli *cli, int argc, char **argv)
{
    REST_ANSWER_AUTO answer = {0};
    BUF_AUTO password = {0}, body = {0};
    const char *file = cli_value(cli, "password-file");
    if (!file)
        return cli_usage(cli, "--password-file is needed");
    int r = ctl_read_secret(cli, file, &password);
    if (r)
        return r;
    buf_reserve(&body, 8 * password.len + 64);
    buf_puts(&body, "{\"password\":");
    json_string(&body, buf_str(&password));
    buf_putc(&body, '}');
    r = post_verb(cli, "person", argv[0], "password", buf_str(&body), &answer);
    explicit_bzero(password.data, password.cap);
    explicit_bzero(body.data, body.cap);
    return r;
}

static int device_verb(struct cli *cli, const char *name, const char *verb)
{
    REST_ANSWER_AUTO answer = {0};
    int r = post_verb(cli, "device", name, verb, NULL, &answer);
    return r ? r : ctl_print(cli, kind_find("device"), &answer.body);
}

int run_device_block(struct cli *cli, int argc, char **argv)
{
    return device_verb(cli, argv[0], "block");
}

int run_device_unblock(struct cli *cli, int argc, char **argv)
{
    return device_verb(cli, argv[0], "unblock");
}

/* --- any request --- */

static int read_body(const struct cli *cli, const char *data, struct buf *out)
{
    if (data[0] != '@') {
        buf_puts(out, data);
        return CLI_OK;
    }
    const char *path = str_eq(data, "@-") ? "/dev/stdin" : data + 1;
    int r = file_read(path, BODY_MAX, out);
    return r ? cli_fail(cli, CLI_FAILURE, "%s: %s", path, strerror(-r)) : CLI_OK;
}

static bool method_ok(const char *method)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (str_eq(method, methods[i]))
            return true;
    return false;
}

int run_api(struct cli *cli, int argc, char **argv)
{
    REST_ANSWER_AUTO answer = {0};
    BUF_AUTO body = {0}, out = {0};
    const char *data = cli_value(cli, "data");
    if (!method_ok(argv[0]))
        return cli_usage(cli, "'%s': METHOD is GET, POST, PUT, PATCH or DELETE", argv[0]);
    if (argv[1][0] != '/' || strpbrk(argv[1], " \t\r\n#"))
        return cli_usage(cli, "'%s': PATH begins with / and is percent-encoded", argv[1]);
    int r = data ? read_body(cli, data, &body) : CLI_OK;
    if (!r)
        r = ctl_open(cli);
    if (r)
        return r;
    const struct rest_call call = {.method = argv[0],
                                   .path = argv[1],
                                   .body = data ? buf_str(&body) : NULL,
                                   .if_match = cli_value(cli, "if-match")};
    rest_call(ctl_of(cli)->rest, &call, &answer);
    r = rest_explain(cli, &answer);
    enum cli_format format = cli_format_parse(cli_value(cli, "output"));
    bool shaped = cli_origin(cli, "output") != CLI_FROM_DEFAULT && (format == CLI_JSON || format == CLI_YAML);
    if (!shaped || cli_print_json(format, buf_str(&answer.body), answer.body.len, &out)) {
        buf_reset(&out);
        buf_append(&out, buf_str(&answer.body), answer.body.len);
    }
    int written = cli_write(&out);
    return r ? r : written;
}
