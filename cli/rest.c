/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rest.h"
#include "base/str.h"
#include "record/record.h"
#include <curl/curl.h>
#include <stdio.h>

enum { ANSWER_MAX = 64 << 20, CONNECT_TIMEOUT_S = 10 };

struct rest {
    CURL *curl;
    struct address server;
    char *token;
};

struct rest *rest_new(const struct address *server, const char *token, int timeout_s)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        abort();
    struct rest *r = xalloc(sizeof(*r));
    r->server = *server;
    r->token = str_dup(token);
    r->curl = curl_easy_init();
    if (!r->curl)
        abort();
    curl_easy_setopt(r->curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(r->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(r->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(r->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(r->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(r->curl, CURLOPT_TIMEOUT, (long)timeout_s);
    curl_easy_setopt(r->curl, CURLOPT_USERAGENT, "posternctl/" POSTERN_VERSION);
    curl_easy_setopt(r->curl, CURLOPT_ACCEPT_ENCODING, NULL);
    return r;
}

void rest_free(struct rest *r)
{
    if (!r)
        return;
    curl_easy_cleanup(r->curl);
    if (r->token)
        explicit_bzero(r->token, strlen(r->token));
    free(r->token);
    free(r);
    curl_global_cleanup();
}

void rest_answer_done(struct rest_answer *a)
{
    buf_done(&a->body);
}

void rest_escape(const char *s, struct buf *out)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (plain || (c >= '0' && c <= '9') || strchr("-._~", c))
            buf_putc(out, *s);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* --- one call --- */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct rest_answer *a = arg;
    if (a->body.len + n > ANSWER_MAX)
        return 0;
    buf_append(&a->body, p, n);
    return n;
}

/* Copies the value of the header when it is the one named. */
static void take_header(const char *line, size_t n, const char *name, char *out, size_t cap)
{
    size_t k = strlen(name);
    if (n <= k || strncasecmp(line, name, k) || line[k] != ':')
        return;
    for (k++; k < n && line[k] == ' '; k++)
        ;
    while (n > k && strchr("\r\n ", line[n - 1]))
        n--;
    n = MIN(n - k, cap - 1);
    memcpy(out, line + k, n);
    out[n] = '\0';
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct rest_answer *a = arg;
    take_header(p, n, "etag", a->etag, sizeof(a->etag));
    take_header(p, n, "retry-after", a->retry_after, sizeof(a->retry_after));
    return n;
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
    BUF_AUTO line = {0};
    buf_printf(&line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(*list, buf_str(&line));
    if (!longer)
        abort();
    *list = longer;
    if (line.data)
        explicit_bzero(line.data, line.len); /* it may be the token */
}

static struct curl_slist *headers_of(const struct rest *r, const struct rest_call *call)
{
    struct curl_slist *list = NULL;
    add_header(&list, "Accept", "application/json");
    if (call->body)
        add_header(&list, "Content-Type", "application/json");
    if (call->if_match)
        add_header(&list, "If-Match", call->if_match);
    if (r->token) {
        BUF_AUTO value = {0};
        buf_printf(&value, "Bearer %s", r->token);
        add_header(&list, "Authorization", buf_str(&value));
        explicit_bzero(value.data, value.len);
    }
    return list;
}

/* A pinned key stands for the server whatever name and issuer its certificate has. */
static void set_trust(const struct rest *r)
{
    bool pinned = r->server.pin[0];
    curl_easy_setopt(r->curl, CURLOPT_SSL_VERIFYPEER, pinned ? 0L : 1L);
    curl_easy_setopt(r->curl, CURLOPT_SSL_VERIFYHOST, pinned ? 0L : 2L);
    curl_easy_setopt(r->curl, CURLOPT_PINNEDPUBLICKEY, pinned ? r->server.pin : NULL);
}

static void set_request(const struct rest *r, const struct rest_call *call, struct rest_answer *out)
{
    BUF_AUTO url = {0};
    buf_printf(&url, "%s%s", r->server.url, call->path);
    curl_easy_setopt(r->curl, CURLOPT_URL, buf_str(&url)); /* libcurl keeps a copy */
    curl_easy_setopt(r->curl, CURLOPT_HTTPGET, 1L);
    if (call->body) {
        curl_easy_setopt(r->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(call->body));
        curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, call->body);
    } else if (str_eq(call->method, "POST")) {
        curl_easy_setopt(r->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, "");
    }
    curl_easy_setopt(r->curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(r->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(r->curl, CURLOPT_HEADERDATA, out);
}

static void note_failure(const struct rest *r, CURLcode code, struct rest_answer *out)
{
    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
        snprintf(
            out->error, sizeof(out->error),
            "%s: its key is not the pinned one: this may be somebody else; `posternd address` on the server prints "
            "the right one",
            r->server.url);
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        snprintf(
            out->error, sizeof(out->error),
            "%s: its certificate is not trusted here; use the address with #pin= that `posternd address` prints there",
            r->server.url);
    else
        snprintf(out->error, sizeof(out->error), "%s: %s", r->server.url, curl_easy_strerror(code));
}

bool rest_call(struct rest *r, const struct rest_call *call, struct rest_answer *out)
{
    *out = (struct rest_answer){0};
    struct curl_slist *headers = headers_of(r, call);
    set_trust(r);
    set_request(r, call, out);
    curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(r->curl);
    if (code)
        note_failure(r, code, out);
    else
        curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &out->status);
    curl_slist_free_all(headers);
    return !code;
}

/* --- what the server said --- */

/* RFC 9457, as much of it as is shown. */
#define FAULT_FIELDS(F)                                    \
    F(STR, pointer, 0, 0, 0, NULL, "Where in the request") \
    F(STR, detail, 0, 0, 0, NULL, "What is wrong there")
REC_STRUCT(fault, FAULT_FIELDS)
#define REC_SELF fault
REC_TABLE(fault, FAULT_FIELDS)
#undef REC_SELF

#define REC_OF_errors fault
#define SAID_FIELDS(F)                                  \
    F(STR, title, 0, 0, 0, NULL, "The code in words")   \
    F(STR, code, 0, 0, 0, NULL, "Stable name")          \
    F(STR, detail, 0, 0, 0, NULL, "This case in words") \
    F(STR, instance, 0, 0, 0, NULL, "Request id")       \
    F(LIST, errors, 0, 0, 0, &fault_rec, "What is wrong, and where")
REC_STRUCT(said, SAID_FIELDS)
#define REC_SELF said
REC_TABLE(said, SAID_FIELDS)
#undef REC_SELF

static enum cli_exit exit_of(long status)
{
    static const struct {
        long status;
        enum cli_exit code;
    } rows[] = {{401, CLI_NOT_SIGNED_IN}, {403, CLI_DENIED},      {404, CLI_NOT_FOUND},   {409, CLI_CONFLICT},
                {412, CLI_CONFLICT},      {502, CLI_UNREACHABLE}, {503, CLI_UNREACHABLE}, {504, CLI_UNREACHABLE}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status)
            return rows[i].code;
    return CLI_FAILURE;
}

/* Not again what the detail has said. */
static void print_fault(const struct said *s, const struct fault *f)
{
    const char *at = f->pointer ? f->pointer : "", *detail = f->detail ? f->detail : "?";
    if (!s->detail || !strstr(s->detail, detail))
        fprintf(stderr, "  %s%s%s\n", at, *at ? ": " : "", detail);
}

static void print_said(const struct cli *cli, const struct rest_answer *answer, const struct said *s)
{
    const char *title = s->title ? s->title : "the server refused";
    cli_fail(cli, CLI_FAILURE, "%s%s%s (%s)", title, s->detail ? ": " : "", s->detail ? s->detail : "",
             s->code ? s->code : "no code");
    for (size_t i = 0; i < s->n_errors; i++)
        print_fault(s, &s->errors[i]);
    if (answer->retry_after[0])
        fprintf(stderr, "  try again in %s s\n", answer->retry_after);
    if (s->code && str_eq(s->code, "unauthenticated"))
        fputs("  sign in with 'posternctl login URL'\n", stderr);
    if (s->instance)
        fprintf(stderr, "  request %s\n", s->instance);
}

int rest_explain(const struct cli *cli, const struct rest_answer *answer)
{
    struct arena a;
    struct rec_errors errors;
    struct said said;
    if (!answer->status)
        return cli_fail(cli, CLI_UNREACHABLE, "%s", answer->error);
    if (answer->status >= 200 && answer->status < 300)
        return CLI_OK;
    arena_init(&a, 1 << 20);
    if (rec_decode(&said_rec, REC_AGENT, buf_str(&answer->body), answer->body.len, &a, &said, &errors))
        cli_fail(cli, CLI_FAILURE, "the server answered %ld", answer->status);
    else
        print_said(cli, answer, &said);
    arena_done(&a);
    return (int)exit_of(answer->status);
}

int rest_do(const struct cli *cli, struct rest *rest, const struct rest_call *call, struct rest_answer *out)
{
    rest_call(rest, call, out);
    return rest_explain(cli, out);
}
