/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_LEN = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    NONCE_LEN = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_LEN = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};
#define MAGIC     "postern/seal/1\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define KEY_NAME  "seal.key"

static int path_of(const struct seal *s, const char *name, char out[static PATH_MAX])
{
    if (!*name || strchr(name, '/'))
        return -EINVAL;
    return snprintf(out, PATH_MAX, "%s/%s", s->dir, name) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int key_load(struct seal *s, const char *path)
{
    struct stat st;
    struct buf text = {0};
    if (stat(path, &st))
        return -errno;
    if (st.st_mode & (S_IRWXG | S_IRWXO) || st.st_uid != geteuid())
        return -EPERM;
    int r = file_read(path, KEY_LEN, &text);
    if (!r && text.len != KEY_LEN)
        r = -EBADMSG;
    if (!r)
        memcpy(s->key.p, text.data, KEY_LEN);
    if (text.data)
        secret_wipe(text.data, text.cap);
    buf_done(&text);
    return r;
}

int seal_open(struct seal *s, const char *dir)
{
    char path[PATH_MAX];
    *s = (struct seal){.key = secret_new(KEY_LEN)};
    int r = str_copy(s->dir, sizeof(s->dir), dir) ? path_of(s, KEY_NAME, path) : -ENAMETOOLONG;
    if (!r)
        r = key_load(s, path);
    if (r == -ENOENT) {
        rng_bytes(s->key.p, KEY_LEN);
        r = file_replace(path, s->key.p, KEY_LEN, 0600);
    }
    if (r)
        seal_close(s);
    return r;
}

void seal_close(struct seal *s)
{
    secret_done(&s->key);
}

/* What is authenticated besides the content. */
static size_t label_of(const char *name, char out[static NAME_MAX + 32])
{
    return (size_t)snprintf(out, NAME_MAX + 32, MAGIC "%.*s", NAME_MAX, name);
}

int seal_write(const struct seal *s, const char *name, const void *p, size_t n)
{
    char path[PATH_MAX], label[NAME_MAX + 32];
    int r = path_of(s, name, path);
    if (r)
        return r;
    size_t n_label = label_of(name, label), total = MAGIC_LEN + NONCE_LEN + n + TAG_LEN;
    uint8_t *out = xalloc(total), *nonce = out + MAGIC_LEN;
    memcpy(out, MAGIC, MAGIC_LEN);
    rng_bytes(nonce, NONCE_LEN);
    crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_LEN, NULL, p, n, (const uint8_t *)label, n_label, NULL,
                                               nonce, s->key.p);
    r = file_replace(path, out, total, 0600);
    free(out);
    return r;
}

static int unseal(const struct seal *s, const char *name, const struct buf *in, struct secret *out)
{
    char label[NAME_MAX + 32];
    size_t n_label = label_of(name, label), head = MAGIC_LEN + NONCE_LEN;
    if (in->len < head + TAG_LEN || memcmp(in->data, MAGIC, MAGIC_LEN) != 0)
        return -EBADMSG;
    const uint8_t *nonce = (const uint8_t *)in->data + MAGIC_LEN;
    *out = secret_new(in->len - head - TAG_LEN);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out->p, NULL, NULL, nonce + NONCE_LEN, in->len - head,
                                                   (const uint8_t *)label, n_label, nonce, s->key.p) == 0)
        return 0;
    secret_done(out);
    return -EBADMSG;
}

int seal_read(const struct seal *s, const char *name, size_t max, struct secret *out)
{
    char path[PATH_MAX];
    BUF_AUTO in = {0};
    *out = (struct secret){0};
    int r = path_of(s, name, path);
    if (!r)
        r = file_read(path, max + MAGIC_LEN + NONCE_LEN + TAG_LEN, &in);
    return r ? r : unseal(s, name, &in, out);
}

int seal_remove(const struct seal *s, const char *name)
{
    char path[PATH_MAX];
    int r = path_of(s, name, path);
    if (r)
        return r;
    return unlink(path) && errno != ENOENT ? -errno : 0;
}
