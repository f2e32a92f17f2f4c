/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/vault.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "net/bytes.h"

#define FILE_NAME "vault.sealed"
#define DOMAIN    "postern/vault/1"
enum { VAULT_MAX = 64 << 20, HEAD_MAX = 512, PEER_BYTES_MAX = 1400 };

static size_t lower_bound(const struct vault *v, const char *id)
{
    size_t lo = 0, hi = v->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(v->peers[mid]->id, id) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void peer_free(struct vault_peer *p)
{
    secret_wipe(p, sizeof(*p));
    free(p);
}

struct vault_peer *vault_find(const struct vault *v, const char *id)
{
    size_t i = lower_bound(v, id);
    return i < v->n && str_eq(v->peers[i]->id, id) ? v->peers[i] : NULL;
}

void vault_remove_at(struct vault *v, size_t i)
{
    peer_free(v->peers[i]);
    v->n--;
    memmove(v->peers + i, v->peers + i + 1, (v->n - i) * sizeof(*v->peers));
    v->dirty = true;
}

void vault_put(struct vault *v, struct vault_peer *p)
{
    size_t i = lower_bound(v, p->id);
    if (i < v->n && str_eq(v->peers[i]->id, p->id))
        vault_remove_at(v, i);
    if (v->n == v->cap) {
        v->cap = v->cap ? 2 * v->cap : 16;
        v->peers = reallocarray(v->peers, v->cap, sizeof(*v->peers));
        if (!v->peers)
            abort();
    }
    memmove(v->peers + i + 1, v->peers + i, (v->n - i) * sizeof(*v->peers));
    v->peers[i] = p;
    v->n++;
    v->dirty = true;
}

static void write_addr(struct byte_writer *w, struct net_addr a)
{
    writer_u64(w, a.hi);
    writer_u64(w, a.lo);
}

static struct net_addr read_addr(struct byte_reader *r)
{
    uint64_t hi = reader_u64(r);
    return (struct net_addr){hi, reader_u64(r)};
}

static void write_peer(struct byte_writer *w, const struct vault_peer *p)
{
    writer_field_text(w, p->id);
    writer_field_text(w, p->session);
    writer_field_text(w, p->replaces);
    writer_field_text(w, p->label);
    writer_bytes(w, p->key.b, WG_KEY_LEN);
    writer_bytes(w, p->psk.b, WG_KEY_LEN);
    write_addr(w, p->inner_v4);
    write_addr(w, p->inner_v6);
    writer_field(w, p->hello, p->n_hello);
    writer_field(w, p->signature, p->n_signature);
    writer_u64(w, (uint64_t)p->made_ms);
}

static void read_bytes(struct byte_reader *r, uint8_t *out, size_t max, uint32_t *n)
{
    size_t len;
    const uint8_t *p = reader_field(r, max, &len);
    if (p)
        memcpy(out, p, len);
    *n = (uint32_t)len;
}

static void read_peer(struct byte_reader *r, struct vault *v)
{
    struct vault_peer *p = xalloc(sizeof(*p));
    reader_field_text(r, p->id, sizeof(p->id));
    reader_field_text(r, p->session, sizeof(p->session));
    reader_field_text(r, p->replaces, sizeof(p->replaces));
    reader_field_text(r, p->label, sizeof(p->label));
    reader_copy(r, p->key.b, WG_KEY_LEN);
    reader_copy(r, p->psk.b, WG_KEY_LEN);
    p->inner_v4 = read_addr(r);
    p->inner_v6 = read_addr(r);
    read_bytes(r, p->hello, sizeof(p->hello), &p->n_hello);
    read_bytes(r, p->signature, sizeof(p->signature), &p->n_signature);
    p->made_ms = (int64_t)reader_u64(r);
    if (r->bad)
        peer_free(p);
    else
        vault_put(v, p);
}

int vault_save(struct vault *v)
{
    if (!v->dirty)
        return 0;
    SECRET_AUTO out = secret_new(HEAD_MAX + v->n * PEER_BYTES_MAX);
    struct byte_writer w = writer_of(out.p, out.len);
    writer_field_text(&w, DOMAIN);
    writer_field_text(&w, v->boot);
    writer_bytes(&w, v->private_key.b, WG_KEY_LEN);
    writer_field_text(&w, v->epoch);
    writer_u64(&w, v->seq);
    writer_u64(&w, (uint64_t)v->issued_us);
    writer_u32(&w, (uint32_t)v->n);
    for (size_t i = 0; i < v->n; i++)
        write_peer(&w, v->peers[i]);
    int r = w.bad ? -EFBIG : seal_write(&v->seal, FILE_NAME, out.p, w.len);
    v->dirty = r != 0;
    return r;
}

static int load(struct vault *v, const struct secret *in)
{
    struct byte_reader r = reader_of(in->p, in->len);
    char domain[32], boot[BOOT_ID_LEN];
    reader_field_text(&r, domain, sizeof(domain));
    reader_field_text(&r, boot, sizeof(boot));
    if (!str_eq(domain, DOMAIN) || !*boot || (*v->boot && !str_eq(boot, v->boot)))
        return -ESTALE;
    str_copy(v->boot, sizeof(v->boot), boot);
    reader_copy(&r, v->private_key.b, WG_KEY_LEN);
    reader_field_text(&r, v->epoch, sizeof(v->epoch));
    v->seq = reader_u64(&r);
    v->issued_us = (int64_t)reader_u64(&r);
    for (uint32_t n = reader_u32(&r); n && !r.bad; n--)
        read_peer(&r, v);
    return reader_finished(&r) ? 0 : -EBADMSG;
}

static void forget_peers(struct vault *v)
{
    while (v->n)
        vault_remove_at(v, v->n - 1);
}

/* /run is empty after a boot, so a name made up here lives exactly as long as one. */
static void name_boot(struct vault *v)
{
    uint8_t random[16];
    if (*v->boot)
        return;
    rng_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), v->boot);
}

static void make(struct vault *v)
{
    forget_peers(v);
    name_boot(v);
    v->epoch[0] = '\0';
    v->seq = 0;
    v->issued_us = 0;
    x25519_make(v->private_key.b, v->public_key.b);
    v->dirty = true;
}

int vault_open(struct vault *v, const char *dir, bool *fresh)
{
    SECRET_AUTO stored = {0};
    *v = (struct vault){0};
    (void)boot_id(v->boot);
    int r = seal_open(&v->seal, dir);
    if (r)
        return r;
    r = seal_read(&v->seal, FILE_NAME, VAULT_MAX, &stored);
    if (r == 0)
        r = load(v, &stored);
    *fresh = r != 0;
    if (r == 0) {
        x25519_public(v->private_key.b, v->public_key.b);
        v->dirty = false;
        return 0;
    }
    if (r != -ENOENT && r != -ESTALE)
        log_warn("keys of running connections are lost (%s); clients will ask anew", strerror(-r));
    make(v);
    return vault_save(v);
}

void vault_close(struct vault *v)
{
    forget_peers(v);
    free(v->peers);
    seal_close(&v->seal);
    secret_wipe(v, sizeof(*v));
}
