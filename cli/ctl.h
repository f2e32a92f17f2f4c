/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of posternctl share: who we are, the connection, objects by name. */
#pragma once
#include "base/map.h"
#include "cli/cli.h"
#include "cli/context.h"
#include "cli/kinds.h"
#include "cli/output.h"
#include "cli/rest.h"

struct ctl {
    struct rest *rest;
    struct arena arena; /* for the whole run */
    struct map names;   /* id -> name of what tables refer to, filled when first asked */
    struct map loaded;  /* plurals whose names were loaded */
};

/* Connects as the context or the options say; CLI_OK or an exit code after telling why not. */
int ctl_open(const struct cli *cli) MUSTCHECK;
struct ctl *ctl_of(const struct cli *cli);
void ctl_done(struct ctl *ctl);
/* A file's text, "-" = standard input, without line feeds at the end. CLI_OK or an exit code. */
int ctl_read_secret(const struct cli *cli, const char *path, struct buf *out) MUSTCHECK;
/* kind_find() that tells which there are. NULL after that. */
const struct kind *ctl_kind(const struct cli *cli, const char *word);
/* The id of what NAME|ID says, copied into the arena. CLI_OK or an exit code. */
int ctl_resolve(const struct cli *cli, const struct kind *kind, const char *name, const char **id) MUSTCHECK;
/* GET of one object by NAME|ID into the answer; id may be NULL. */
int ctl_get(const struct cli *cli, const struct kind *kind, const char *name, const char **id,
            struct rest_answer *answer) MUSTCHECK;
/* Prints one object as -o says. */
int ctl_print(const struct cli *cli, const struct kind *kind, const struct buf *json) MUSTCHECK;
/* The path of an object below its noun: "/api/v1/sites/sit_...", with "/verb" where verb is not NULL. */
void ctl_path(const struct kind *kind, const char *id, const char *verb, struct buf *out);

/* One page of a list, as records and as they came. */
struct page {
    const void *items;
    size_t n;
    const char *raw; /* JSON array */
    const char *next_cursor;
};
struct page_query {
    int64_t limit;
    const char *filter, *cursor;
};
/* Items live in the arena. CLI_OK or an exit code. */
int ctl_list(const struct cli *cli, const struct kind *kind, const struct page_query *q, struct arena *a,
             struct page *out) MUSTCHECK;
/* Prints records with names in the place of ids. */
void ctl_print_items(const struct cli *cli, const struct kind *kind, const void *items, size_t n, struct buf *out);

int run_login(struct cli *cli, int argc, char **argv);
int run_logout(struct cli *cli, int argc, char **argv);
int run_get(struct cli *cli, int argc, char **argv);
int run_decisions(struct cli *cli, int argc, char **argv);
int run_audit(struct cli *cli, int argc, char **argv);
int run_create(struct cli *cli, int argc, char **argv);
int run_edit(struct cli *cli, int argc, char **argv);
int run_delete(struct cli *cli, int argc, char **argv);
int run_api(struct cli *cli, int argc, char **argv);
int run_gateway_token(struct cli *cli, int argc, char **argv);
int run_person_password(struct cli *cli, int argc, char **argv);
int run_device_block(struct cli *cli, int argc, char **argv);
int run_device_unblock(struct cli *cli, int argc, char **argv);
