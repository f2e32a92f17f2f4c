/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The first administrator: by a one-time token in a file that only the host's owner can read, or by `posternd admin
 * create`. There is never a default password. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/secret.h"
#include "crypto/token.h"
#include "server/core/hub.h"
#include "server/identity/identity.h"
#include "server/store/records.h"
#include "server/store/sql.h"
#include <unistd.h>

static char *setup_path(const char *data_dir)
{
    struct buf path = {0};
    buf_printf(&path, "%s/setup-token", data_dir);
    return buf_take(&path);
}

static int admin_exists(struct db *db, struct arena *a, bool *exists)
{
    struct flag flag;
    int r = db_one(db, SQL_ADMIN_BESIDES, DB_ARGS(DB_STR("id", NULL)), a, &flag);
    *exists = !r && flag.value;
    return r;
}

int identity_prepare_setup(struct db *db, const char *data_dir)
{
    struct arena a;
    bool exists;
    char text[TOKEN_LEN_MAX + 1];
    arena_init(&a, 4096);
    int r = admin_exists(db, &a, &exists);
    arena_done(&a);
    if (r)
        return r;
    CLEANUP(free_ptr) char *path = setup_path(data_dir);
    if (exists) {
        unlink(path);
        return 0;
    }
    if (access(path, F_OK) != 0) {
        token_make("setup", text);
        size_t n = strlen(text);
        text[n] = '\n';
        r = file_replace(path, text, n + 1, 0600);
        secret_wipe(text, sizeof(text));
    }
    if (!r)
        log_info(
            "there is no administrator yet: posternctl login ADDRESS --setup %s --email YOU, with the address above",
            path);
    return r;
}

/* Compares hashes, so that neither content nor length of the file shows in the time taken. */
static bool token_right(const char *path, const char *token)
{
    BUF_AUTO text = {0};
    uint8_t expected[SHA256_LEN], given[SHA256_LEN];
    if (file_read(path, 256, &text) || !text.len)
        return false;
    size_t n = text.len - (text.data[text.len - 1] == '\n');
    sha256(text.data, n, expected);
    sha256(token, strlen(token), given);
    secret_wipe(text.data, text.len);
    return bytes_eq_ct(expected, given, sizeof(given));
}

struct admin_job {
    struct arena *arena;
    const struct identity_admin *admin;
    const struct audit_actor *actor;
    bool first; /* only while there is no administrator */
    struct account *out;
};

/* Inserts the person, or raises the one with this address. */
static int put_person(struct db *db, const struct admin_job *job, struct person *p)
{
    int r = db_one(db, SQL_ACCOUNT_GET, DB_ARGS(DB_STR("email", job->admin->email)), job->arena, job->out);
    bool known = r == 0;
    if (r && r != -ENOENT)
        return r;
    char id[ID_LEN_MAX];
    if (!known)
        id_new("per", clock_wall_ms(), id);
    *p = (struct person){.id = arena_strdup(job->arena, known ? job->out->id : id),
                         .email = job->admin->email,
                         .name = job->admin->name,
                         .role = ROLE_ADMIN,
                         .enabled = true};
    r = p->id ? db_run(db, known ? SQL_PERSON_UPDATE : SQL_PERSON_INSERT, DB_RECORD(&person_rec, p), NULL) : -ENOMEM;
    return r ? r : change_add(db, "person", p->id, known ? "modified" : "added");
}

static int admin_step(struct db *db, void *arg)
{
    struct admin_job *job = arg;
    struct person person;
    bool exists = false;
    int r = db_run(db, SQL_ADMINS_LOCK, DB_NONE, NULL);
    if (!r && job->first)
        r = admin_exists(db, job->arena, &exists);
    if (r || exists)
        return r ? r : -EACCES;
    r = put_person(db, job, &person);
    if (!r)
        r = identity_set_password(db, person.id, job->admin->password);
    if (!r)
        r = audit_add(db, job->actor,
                      &(struct audit_entry){.action = "create-admin",
                                            .kind = "person",
                                            .object_id = person.id,
                                            .object_name = person.email,
                                            .rec = &person_rec,
                                            .after = &person});
    *job->out = (struct account){
        .id = person.id, .email = person.email, .name = person.name, .role = ROLE_ADMIN, .enabled = true};
    return r;
}

/* E-mail addresses are kept in lower case. */
static const char *lower(struct arena *a, const char *s)
{
    char *out = arena_strdup(a, s);
    for (char *c = out; c && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return out;
}

static int make_admin(struct db *db, const struct admin_job *given)
{
    struct identity_admin admin = *given->admin;
    struct admin_job job = *given;
    if (!(admin.email = lower(job.arena, admin.email)))
        return -ENOMEM;
    job.admin = &admin;
    return db_transact(db, admin_step, &job);
}

int identity_redeem_setup(struct db *db, struct arena *a, const char *data_dir, const char *token,
                          const struct identity_admin *admin, const struct audit_actor *actor, struct account *out)
{
    CLEANUP(free_ptr) char *path = setup_path(data_dir);
    if (!token_right(path, token))
        return -EACCES;
    int r = make_admin(db, &(struct admin_job){a, admin, actor, true, out});
    if (r == 0 || r == -EACCES)
        unlink(path);
    return r;
}

int identity_create_admin(struct db *db, struct arena *a, const struct identity_admin *admin, const char **why)
{
    struct account account;
    const struct audit_actor actor = {.name = "posternd admin create"};
    if (!rec_email.ok(admin->email))
        *why = "the e-mail address is none";
    else if (!rec_name.ok(admin->name) || strlen(admin->name) > 64)
        *why = "the name must be 1 to 64 printable characters";
    else if (strlen(admin->password) < 12 || strlen(admin->password) > 1024 || !noun_password.ok(admin->password))
        *why = "the password must have at least 12 characters, on one line";
    else
        return make_admin(db, &(struct admin_job){a, admin, &actor, false, &account});
    return -EINVAL;
}
