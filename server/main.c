/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* posternd: the command line, and what each of its processes is made of. */
#include "base/file.h"
#include "base/haste.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "crypto/secret.h"
#include "server/api/api.h"
#include "server/api/urls.h"
#include "server/broker/broker.h"
#include "server/core/core.h"
#include "server/core/keys.h"
#include "server/db/migrate.h"
#include "server/front/front.h"
#include "server/identity/identity.h"
#include "server/store/sql.h"
#include "server/supervise/postgres.h"
#include "server/supervise/supervise.h"
#include <limits.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct cli_option settings_options[] = {
    {.name = "data-dir",
     .arg = "DIR",
     .env = "POSTERN_DATA_DIR",
     .fallback = "/var/lib/postern",
     .help = "Where everything is kept"},
    {.name = "run-dir",
     .arg = "DIR",
     .env = "POSTERN_RUN_DIR",
     .fallback = "/run/postern",
     .help = "Where sockets are made"},
    {.name = "listen",
     .arg = "ADDRESS:PORT",
     .env = "POSTERN_LISTEN",
     .fallback = "[::]:8443",
     .help = "Where people connect"},
    {.name = "listen-agents",
     .arg = "ADDRESS:PORT",
     .env = "POSTERN_LISTEN_AGENTS",
     .fallback = "[::]:8444",
     .help = "Where gateways and devices connect"},
    {.name = "public-url", .arg = "URL", .env = "POSTERN_PUBLIC_URL", .help = "How people reach this server"},
    {.name = "agents-url",
     .arg = "URL",
     .env = "POSTERN_AGENTS_URL",
     .help = "How gateways and devices reach this server"},
    {.name = "tls-cert",
     .arg = "FILE",
     .env = "POSTERN_TLS_CERT",
     .help = "Certificate chain, PEM; self-signed when missing"},
    {.name = "tls-key", .arg = "FILE", .env = "POSTERN_TLS_KEY", .help = "Its private key, PEM"},
    {.name = "user", .arg = "USER", .env = "POSTERN_USER", .fallback = "postern", .help = "User of the core process"},
    {.name = "front-user",
     .arg = "USER",
     .env = "POSTERN_FRONT_USER",
     .fallback = "postern-front",
     .help = "User of the front processes"},
    {.name = "db-user",
     .arg = "USER",
     .env = "POSTERN_DB_USER",
     .fallback = "postgres",
     .help = "User of the private PostgreSQL"},
    /* Only the environment or the file: it may hold a password, which argv would show. */
    {.name = "database-url",
     .arg = "URL",
     .env = "POSTERN_DATABASE_URL",
     .help = "An existing PostgreSQL instead of a private one",
     .hidden = true},
    {.name = "config", .arg = "FILE", .env = "POSTERN_CONFIG", .help = "File of KEY=VALUE lines"},
    {0}};

static struct settings settings_of(const struct cli *cli)
{
    struct settings s = {
        .data_dir = cli_value(cli, "data-dir"),
        .run_dir = cli_value(cli, "run-dir"),
        .listen = cli_value(cli, "listen"),
        .listen_agents = cli_value(cli, "listen-agents"),
        .public_url = cli_value(cli, "public-url"),
        .agents_url = cli_value(cli, "agents-url"),
        .tls_cert = cli_value(cli, "tls-cert"),
        .tls_key = cli_value(cli, "tls-key"),
        .user = cli_value(cli, "user"),
        .front_user = cli_value(cli, "front-user"),
        .db_user = cli_value(cli, "db-user"),
        .database_url = cli_value(cli, "database-url"),
    };
    return s;
}

/* --- the processes --- */

static int start(struct core *core, struct db *db)
{
    int r = api_start(core, db);
    return r ? r : broker_start(core, db);
}

static const struct core_app app = {
    .dispatch = api_dispatch,
    .dispatch_offline = api_dispatch_offline,
    .start = start,
};

/* Every table of routes, for core and for the description of the API. */
static void wire(void)
{
    api_init();
    api_register(broker_routes, n_broker_routes);
    api_set_agent_principal(broker_principal);
}

/* For ps and for the log: the children are started through /proc/self/exe, which would be their name. */
static void process_name(const char *name, const char *program_name)
{
    prctl(PR_SET_NAME, name, 0, 0, 0);
    log_init(program_name);
}

static int internal_keys(struct cli *cli, int argc, char **argv)
{
    struct settings s = settings_of(cli);
    struct core_keys keys;
    int r = secret_no_dumps();
    if (!r)
        r = core_keys_open(&keys, &s);
    if (!r)
        core_keys_close(&keys);
    return r ? CLI_FAILURE : CLI_OK;
}

static int internal_core(struct cli *cli, int argc, char **argv)
{
    struct settings s = settings_of(cli);
    char conninfo[1024];
    process_name("posternd-core", "posternd core");
    if (haste_init() || secret_no_dumps())
        return CLI_USAGE;
    wire();
    if (postgres_conninfo(&s, conninfo, sizeof(conninfo)))
        return CLI_USAGE;
    const struct core_config config = {.settings = &s, .app = &app, .conninfo = conninfo, .status_fd = CHILD_STATUS_FD};
    return core_run(&config);
}

static int run_front(const struct cli *cli, enum frame_listener listener)
{
    struct settings s = settings_of(cli);
    struct tls_paths tls;
    char socket[PATH_MAX];
    if (listener == FRAME_AGENTS)
        process_name("posternd-agents", "posternd front agents");
    else
        process_name("posternd-people", "posternd front people");
    if (haste_init())
        return CLI_USAGE;
    if (tls_paths_name(&s, &tls) || !settings_path(socket, sizeof(socket), s.run_dir, "core.sock"))
        return CLI_USAGE;
    struct front_config config = {
        .listener = listener,
        .listen_fd = CHILD_LISTEN_FD,
        .core_socket = socket,
        .certificate = tls.cert,
        .key = tls.key,
        .device_ca = listener == FRAME_AGENTS ? tls.device_ca : NULL,
    };
    front_limits_default(&config.limits);
    return front_main(&config);
}

static int internal_front_people(struct cli *cli, int argc, char **argv)
{
    return run_front(cli, FRAME_PEOPLE);
}

static int internal_front_agents(struct cli *cli, int argc, char **argv)
{
    return run_front(cli, FRAME_AGENTS);
}

/* --- what people call --- */

static int serve(struct cli *cli, int argc, char **argv)
{
    struct settings s = settings_of(cli);
    log_init("posternd");
    if (haste_init())
        return CLI_USAGE;
    return supervise(&s);
}

/* Runs fn with a connection to the database, which is started for as long as that takes when it is private and
 * nobody serves. */
static int with_database(const struct cli *cli, int (*fn)(const struct cli *cli, struct db *db))
{
    struct settings s = settings_of(cli);
    char conninfo[1024];
    pid_t borrowed;
    if (postgres_conninfo(&s, conninfo, sizeof(conninfo)))
        return cli_fail(cli, CLI_USAGE, "the address of the database is too long");
    if (database_borrow(&s, &borrowed))
        return cli_fail(cli, CLI_UNREACHABLE, "the database cannot be reached");
    struct db *db = db_new(conninfo, &sql_table);
    int code = fn(cli, db);
    db_free(db);
    database_return(borrowed);
    return code;
}

static int migrate_with(const struct cli *cli, struct db *db)
{
    int r = migrate(db, &migration_table, cli_switch(cli, "dry-run"));
    return r ? cli_fail(cli, CLI_FAILURE, "migration failed: %s", strerror(-r)) : CLI_OK;
}

static int migrate_command(struct cli *cli, int argc, char **argv)
{
    return with_database(cli, migrate_with);
}

static int check_with(const struct cli *cli, struct db *db)
{
    int r = migrate(db, &migration_table, true);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "this program cannot use the database: %s", strerror(-r));
    printf("database   reachable, migrations in order\n");
    return CLI_OK;
}

static int check(struct cli *cli, int argc, char **argv)
{
    struct settings s = settings_of(cli);
    struct identities ids;
    struct paths paths;
    if (identities_find(&s, &ids))
        return CLI_FAILURE;
    printf("users      core %s, front %s, database %s\n", ids.core.name, ids.front.name,
           s.database_url ? "elsewhere" : ids.db.name);
    if (paths_prepare(&s, &ids, &paths))
        return CLI_FAILURE;
    printf("paths      %s, %s\n", s.data_dir, s.run_dir);
    return with_database(cli, check_with);
}

static int address(struct cli *cli, int argc, char **argv)
{
    struct settings s = settings_of(cli);
    struct tls_paths tls;
    struct cert *cert;
    struct arena a;
    char pin[CERT_PIN_LEN];
    BUF_AUTO pem = {0};
    int r = tls_paths_name(&s, &tls);
    if (!r)
        r = file_read(tls.cert, 1 << 20, &pem);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "%s: %s%s", tls.cert, strerror(-r),
                        r == -ENOENT && !s.tls_cert ? "; the server makes it at its first start" : "");
    if (cert_parse_pem(pem.data, pem.len, &cert))
        return cli_fail(cli, CLI_FAILURE, "%s: this is no certificate", tls.cert);
    cert_pin(cert, pin);
    cert_free(cert);
    arena_init(&a, 4096);
    const char *url = url_to_tell(&s, pin, &a);
    r = url && printf("%s\n", url) > 0 ? CLI_OK : CLI_FAILURE;
    arena_done(&a);
    return r;
}

/* The first line of a file, so that an editor's newline is no part of the password. */
static int password_read(const char *path, struct buf *out)
{
    int r = file_read(path, 4096, out);
    if (!r && out->len)
        out->data[strcspn(out->data, "\r\n")] = '\0';
    return r;
}

static int admin_create_with(const struct cli *cli, struct db *db)
{
    const char *email = cli_value(cli, "email"), *name = cli_value(cli, "name"), *why = NULL;
    BUF_AUTO password = {0};
    struct arena a;
    int r = password_read(cli_value(cli, "password-file"), &password);
    if (r)
        return cli_fail(cli, CLI_FAILURE, "%s: %s", cli_value(cli, "password-file"), strerror(-r));
    r = migrate(db, &migration_table, false);
    const struct identity_admin admin = {.email = email, .name = name ? name : email, .password = buf_str(&password)};
    arena_init(&a, 1 << 20);
    if (!r)
        r = identity_create_admin(db, &a, &admin, &why);
    if (password.data)
        explicit_bzero(password.data, password.cap);
    int code = r ? cli_fail(cli, CLI_FAILURE, "%s", why ? why : strerror(-r)) : CLI_OK;
    arena_done(&a);
    if (!code)
        printf("%s is an administrator\n", email);
    return code;
}

static int admin_create(struct cli *cli, int argc, char **argv)
{
    if (!cli_value(cli, "email") || !cli_value(cli, "password-file"))
        return cli_usage(cli, "--email and --password-file are needed");
    return with_database(cli, admin_create_with);
}

static int openapi(struct cli *cli, int argc, char **argv)
{
    BUF_AUTO out = {0};
    wire();
    api_openapi(&out);
    return fwrite(buf_str(&out), 1, out.len, stdout) == out.len && putchar('\n') != EOF ? CLI_OK : CLI_FAILURE;
}

static const struct cli_option migrate_options[] = {{.name = "dry-run", .help = "Only say what would run"}, {0}};
static const struct cli_option admin_options[] = {
    {.name = "email", .arg = "ADDRESS", .help = "Address to sign in with"},
    {.name = "name", .arg = "NAME", .help = "Name that others see"},
    {.name = "password-file", .arg = "FILE", .help = "File whose first line is the password"},
    {0}};

static const struct cli_command commands[] = {
    {.name = "serve", .summary = "Run the server", .run = serve},
    {.name = "migrate", .summary = "Bring the database up to date", .options = migrate_options, .run = migrate_command},
    {.name = "check", .summary = "Try users, paths and database", .run = check},
    {.name = "address",
     .summary = "Print the address to give to people",
     .help = "With the pin of the server's key behind it while the certificate is self-signed.",
     .run = address},
    {.name = "admin create",
     .summary = "Make a person an administrator",
     .options = admin_options,
     .run = admin_create},
    {.name = "openapi", .summary = "Print the description of the REST API", .run = openapi},
    {.name = VERB_KEYS, .run = internal_keys, .hidden = true},
    {.name = VERB_CORE, .run = internal_core, .hidden = true},
    {.name = VERB_FRONT_PEOPLE, .run = internal_front_people, .hidden = true},
    {.name = VERB_FRONT_AGENTS, .run = internal_front_agents, .hidden = true},
    {0}};

static const struct cli_program program = {
    .name = "posternd",
    .summary = "runs the control plane of Postern",
    .options = settings_options,
    .commands = commands,
};

int main(int argc, char **argv)
{
    log_init("posternd");
    return cli_main(&program, argc, argv, NULL);
}
