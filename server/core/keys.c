/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/core/keys.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "crypto/hash.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_NAME "core.sealed"
enum { STORE_LEN = 2 * CORE_KEY_LEN + ID_LEN_MAX, NAMES_MAX = 8 };

int tls_paths_name(const struct settings *s, struct tls_paths *out)
{
    char front[3072];
    bool ok = settings_path(front, sizeof(front), s->data_dir, "front") &&
              settings_path(out->device_ca, sizeof(out->device_ca), front, "device-ca.pem") &&
              (s->tls_cert ? str_copy(out->cert, sizeof(out->cert), s->tls_cert)
                           : settings_path(out->cert, sizeof(out->cert), front, "tls.pem") != NULL) &&
              (s->tls_key ? str_copy(out->key, sizeof(out->key), s->tls_key)
                          : settings_path(out->key, sizeof(out->key), front, "tls.key") != NULL);
    return ok ? 0 : -ENAMETOOLONG;
}

/* {cursor key, token pepper, organisation id} */
static int store_open(struct core_keys *k)
{
    int r = seal_read(&k->seal, STORE_NAME, STORE_LEN, &k->store);
    if (r == -ENOENT) {
        k->store = secret_new(STORE_LEN);
        rng_bytes(k->store.p, 2 * CORE_KEY_LEN);
        id_new("org", clock_wall_ms(), (char *)k->store.p + 2 * CORE_KEY_LEN);
        r = seal_write(&k->seal, STORE_NAME, k->store.p, STORE_LEN);
    }
    if (!r && k->store.len != STORE_LEN)
        r = -EBADMSG;
    if (r)
        return r;
    k->cursor_key = k->store.p;
    k->token_pepper = k->store.p + CORE_KEY_LEN;
    memcpy(k->organisation, k->store.p + 2 * CORE_KEY_LEN, ID_LEN_MAX);
    k->organisation[ID_LEN_MAX - 1] = '\0';
    return id_valid(k->organisation, "org") ? 0 : -EBADMSG;
}

/* Host part of "https://host:port" or of "[addr]:port"; false when there is none worth a name. */
static bool host_of(const char *url, char *out, size_t cap)
{
    const char *p = strstr(url, "://");
    p = p ? p + 3 : url;
    bool bracket = *p == '[';
    size_t n = strcspn(p + bracket, bracket ? "]" : ":/#?");
    if (!n || n >= cap)
        return false;
    memcpy(out, p + bracket, n);
    out[n] = '\0';
    return !str_eq(out, "::") && !str_eq(out, "0.0.0.0");
}

/* A certificate for every name by which this server is told to be known. */
static int tls_make(const struct settings *s, const struct tls_paths *paths)
{
    char hosts[NAMES_MAX][256], self[256] = "";
    const char *names[NAMES_MAX], *told[] = {s->public_url, s->agents_url, s->listen, s->listen_agents};
    size_t n = 0;
    names[n++] = "localhost";
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        if (told[i] && host_of(told[i], hosts[n], sizeof(hosts[n]))) {
            names[n] = hosts[n];
            n++;
        }
    if (gethostname(self, sizeof(self) - 1) == 0 && *self)
        names[n++] = self;
    struct pkey *key = pkey_make();
    struct cert *cert = NULL;
    int r = ca_self_signed(key, names, n, clock_wall_us(), &cert);
    if (r == -EINVAL && n > 1)
        r = ca_self_signed(key, names, n - 1, clock_wall_us(), &cert); /* an odd host name */
    if (!r) {
        SECRET_AUTO key_pem = pkey_to_pem(key);
        char *pem = cert_to_pem(cert);
        /* Front's group may read, only core may write. */
        r = file_replace(paths->key, key_pem.p, key_pem.len, 0640);
        if (!r)
            r = group_of_dir(paths->key);
        if (!r)
            r = file_replace(paths->cert, pem, strlen(pem), 0644);
        free(pem);
    }
    cert_free(cert);
    pkey_free(key);
    return r;
}

/* Length of the first certificate of a chain. */
static size_t first_pem(const struct buf *pem)
{
    static const char end[] = "-----END CERTIFICATE-----";
    const char *at = strstr(pem->data, end);
    return at ? (size_t)(at - pem->data) + strlen(end) : pem->len;
}

static int tls_open(struct core_keys *k, const struct settings *s, const struct tls_paths *paths)
{
    BUF_AUTO pem = {0};
    struct cert *cert;
    if (!s->tls_cert && (access(paths->cert, F_OK) || access(paths->key, F_OK))) {
        int r = tls_make(s, paths);
        if (r)
            return r;
    }
    int r = file_read(paths->cert, 1 << 20, &pem);
    if (!r)
        r = cert_parse_pem(pem.data, first_pem(&pem), &cert);
    if (r) {
        log_error("%s: %s", paths->cert, strerror(-r));
        return r;
    }
    cert_pin(cert, k->tls_pin);
    cert_free(cert);
    return 0;
}

static int ca_publish(struct core_keys *k, const struct tls_paths *paths)
{
    uint8_t sha[CERT_FINGERPRINT_LEN];
    cert_fingerprint(k->authority.ca, sha);
    hex_encode(sha, sizeof(sha), k->ca_sha256);
    k->ca_pem = cert_to_pem(k->authority.ca);
    BUF_AUTO there = {0};
    if (file_read(paths->device_ca, 1 << 16, &there) == 0 && str_eq(there.data, k->ca_pem))
        return 0;
    return file_replace(paths->device_ca, k->ca_pem, strlen(k->ca_pem), 0644);
}

int core_keys_open(struct core_keys *k, const struct settings *s)
{
    char dir[3072];
    struct tls_paths paths;
    *k = (struct core_keys){0};
    int r = settings_path(dir, sizeof(dir), s->data_dir, "core") ? tls_paths_name(s, &paths) : -ENAMETOOLONG;
    if (!r)
        r = seal_open(&k->seal, dir);
    if (!r)
        r = store_open(k);
    if (!r)
        r = authority_open(&k->authority, &k->seal, k->organisation, clock_wall_us());
    if (!r)
        r = ca_publish(k, &paths);
    if (!r)
        r = tls_open(k, s, &paths);
    if (r) {
        log_error("keys in %s: %s", dir, strerror(-r));
        core_keys_close(k);
    }
    return r;
}

void core_keys_close(struct core_keys *k)
{
    authority_close(&k->authority);
    secret_done(&k->store);
    seal_close(&k->seal);
    free(k->ca_pem);
    *k = (struct core_keys){0};
}
