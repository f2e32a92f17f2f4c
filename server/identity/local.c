/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Local accounts: rate limits first, then the same work whether or not the account exists. */
#include "base/clock.h"
#include "base/str.h"
#include "crypto/password.h"
#include "net/addr.h"
#include "server/identity/identity.h"
#include "server/identity/limit.h"
#include "server/store/sql.h"
#include <pthread.h>

/* A source may try 20 times at once and then every 3 s; an account every 10 s, from wherever, so that guessing from
 * many addresses does not pay. Successful sign-ins give their attempt back. */
static const struct limit_rule source_rule = {20, 3000}, account_rule = {20, 10000};

/* Each check holds a worker and 32 MiB for some 50 ms. Strangers, however many, never get more than these. */
enum { CHECKS_MAX = 3, BUSY_RETRY_MS = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct limit *sources, *accounts;
static int n_checks;

/* One bucket for an IPv4 address and for an IPv6 /64, which one host can fill with addresses. */
static struct net_prefix source_of(const char *peer)
{
    struct net_addr addr = {0};
    if (!peer || net_addr_parse(peer, &addr))
        addr = (struct net_addr){0};
    return net_addr_is_v4(addr) ? net_prefix_host(addr) : net_prefix_of(addr, 64);
}

static void limits_ready(void)
{
    if (!sources) {
        sources = limit_new(source_rule);
        accounts = limit_new(account_rule);
    }
}

int64_t identity_attempt(const char *peer)
{
    struct net_prefix source = source_of(peer);
    int64_t now_ms = clock_boot_ms();
    pthread_mutex_lock(&lock);
    limits_ready();
    int64_t wait_ms = limit_take(sources, &source.addr, sizeof(source.addr), now_ms);
    pthread_mutex_unlock(&lock);
    return wait_ms;
}

void identity_attempt_was_right(const char *peer)
{
    struct net_prefix source = source_of(peer);
    pthread_mutex_lock(&lock);
    limits_ready();
    limit_give(sources, &source.addr, sizeof(source.addr), clock_boot_ms());
    pthread_mutex_unlock(&lock);
}

static void key_of(const char *email, char out[static 256])
{
    str_copy(out, 256, email);
    for (char *c = out; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
}

static int64_t account_attempt(const char *email)
{
    char key[256];
    key_of(email, key);
    pthread_mutex_lock(&lock);
    limits_ready();
    int64_t wait_ms = limit_take(accounts, key, strlen(key), clock_boot_ms());
    pthread_mutex_unlock(&lock);
    return wait_ms;
}

static void give_back(const struct identity_proof *proof)
{
    char key[256];
    key_of(proof->email, key);
    identity_attempt_was_right(proof->peer);
    pthread_mutex_lock(&lock);
    limit_give(accounts, key, strlen(key), clock_boot_ms());
    pthread_mutex_unlock(&lock);
}

static bool check_begin(void)
{
    pthread_mutex_lock(&lock);
    bool free_place = n_checks < CHECKS_MAX;
    n_checks += free_place;
    pthread_mutex_unlock(&lock);
    return free_place;
}

static void check_end(void)
{
    pthread_mutex_lock(&lock);
    n_checks--;
    pthread_mutex_unlock(&lock);
}

/* The same statement for known and unknown people; what was typed for an address is not kept, it may be a password. */
static int audit_failure(struct db *db, const struct identity_proof *proof, const struct account *account)
{
    return audit_add(
        db, &(struct audit_actor){.address = proof->peer, .request_id = proof->request_id},
        &(struct audit_entry){
            .action = "sign-in-failed", .kind = "person", .object_id = account->id, .object_name = account->email});
}

static int check(struct db *db, struct arena *a, const struct identity_proof *proof, struct identity_verdict *out)
{
    struct account account = {0};
    int r = db_one(db, SQL_ACCOUNT_GET, DB_ARGS(DB_STR("email", proof->email)), a, &account);
    if (r && r != -ENOENT)
        return r;
    bool right = password_verify(account.hash, proof->password);
    account.hash = NULL;
    if (!right || !account.enabled) {
        out->result = IDENTITY_WRONG;
        return audit_failure(db, proof, &account);
    }
    give_back(proof);
    out->result = IDENTITY_OK;
    out->account = account;
    return 0;
}

int identity_check_password(struct db *db, struct arena *a, const struct identity_proof *proof,
                            struct identity_verdict *out)
{
    *out = (struct identity_verdict){.result = IDENTITY_LIMITED};
    out->retry_ms = identity_attempt(proof->peer);
    if (!out->retry_ms)
        out->retry_ms = account_attempt(proof->email);
    if (out->retry_ms)
        return 0;
    if (!check_begin()) {
        give_back(proof);
        out->retry_ms = BUSY_RETRY_MS;
        return 0;
    }
    int r = check(db, a, proof, out);
    check_end();
    return r;
}

const struct identity_provider identity_local = {"password", NULL, identity_check_password};
const struct identity_provider *const identity_providers[] = {&identity_local, NULL};
