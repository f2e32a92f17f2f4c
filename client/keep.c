/* SPDX-License-Identifier: Apache-2.0 */
#include "client/keep.h"
#include "base/log.h"
#include "base/str.h"
#include "net/bytes.h"

#define FILE_NAME "session.sealed"
#define DOMAIN    "postern/client/1"
enum { KEEP_MAX = 64 * 1024 };

static void write_pair(struct byte_writer *w, const struct keep_pair *p)
{
    writer_field_text(w, p->site);
    writer_field_text(w, p->connection);
    writer_bytes(w, p->pair.gateway.b, WG_KEY_LEN);
    writer_bytes(w, p->pair.psk.b, WG_KEY_LEN);
    writer_u64(w, p->pair.endpoint.addr.hi);
    writer_u64(w, p->pair.endpoint.addr.lo);
    writer_u16(w, p->pair.endpoint.port);
}

static void read_pair(struct byte_reader *r, struct keep_pair *p)
{
    reader_field_text(r, p->site, sizeof(p->site));
    reader_field_text(r, p->connection, sizeof(p->connection));
    reader_copy(r, p->pair.gateway.b, WG_KEY_LEN);
    reader_copy(r, p->pair.psk.b, WG_KEY_LEN);
    p->pair.endpoint.addr.hi = reader_u64(r);
    p->pair.endpoint.addr.lo = reader_u64(r);
    p->pair.endpoint.port = reader_u16(r);
}

int keep_save(const struct seal *seal, const struct keep *k)
{
    char boot[BOOT_ID_LEN];
    SECRET_AUTO out = secret_new(KEEP_MAX);
    struct byte_writer w = writer_of(out.p, out.len);
    boot_id(boot);
    writer_field_text(&w, DOMAIN);
    writer_field_text(&w, boot);
    writer_field_text(&w, k->session);
    writer_field_text(&w, k->email);
    writer_u32(&w, k->owner);
    writer_u8(&w, k->up);
    writer_u64(&w, (uint64_t)k->until_ms);
    writer_bytes(&w, k->key.b, WG_KEY_LEN);
    writer_u64(&w, (uint64_t)k->key_made_ms);
    writer_u32(&w, k->n_pairs);
    for (uint32_t i = 0; i < k->n_pairs; i++)
        write_pair(&w, &k->pairs[i]);
    return w.bad ? -EFBIG : seal_write(seal, FILE_NAME, out.p, w.len);
}

/* True when it is of this boot and whole. */
static bool decode(const struct secret *in, struct keep *out)
{
    struct byte_reader r = reader_of(in->p, in->len);
    char domain[32], boot[BOOT_ID_LEN], now[BOOT_ID_LEN];
    boot_id(now);
    reader_field_text(&r, domain, sizeof(domain));
    reader_field_text(&r, boot, sizeof(boot));
    reader_field_text(&r, out->session, sizeof(out->session));
    reader_field_text(&r, out->email, sizeof(out->email));
    out->owner = reader_u32(&r);
    out->up = reader_u8(&r) == 1;
    out->until_ms = (int64_t)reader_u64(&r);
    reader_copy(&r, out->key.b, WG_KEY_LEN);
    out->key_made_ms = (int64_t)reader_u64(&r);
    out->n_pairs = reader_u32(&r);
    if (r.bad || strcmp(domain, DOMAIN) != 0 || strcmp(boot, now) != 0 || out->n_pairs > KEEP_PAIRS_MAX)
        return false;
    for (uint32_t i = 0; i < out->n_pairs; i++)
        read_pair(&r, &out->pairs[i]);
    return reader_finished(&r);
}

int keep_load(const struct seal *seal, struct keep *out)
{
    SECRET_AUTO in = {0};
    *out = (struct keep){0};
    int r = seal_read(seal, FILE_NAME, KEEP_MAX, &in);
    if (r == 0 && decode(&in, out))
        return 0;
    if (r != -ENOENT)
        log_warn("the session of an earlier daemon cannot be taken over");
    secret_wipe(out, sizeof(*out));
    return r == -ENOENT || r == -EBADMSG ? 0 : r;
}

void keep_tunnel(struct keep *k, const struct tunnel *t)
{
    k->key = t->key;
    k->key_made_ms = t->key_made_ms;
    k->n_pairs = 0;
    for (size_t i = 0; i < t->n_sites && k->n_pairs < KEEP_PAIRS_MAX; i++) {
        const struct attempt *a = &t->sites[i]->now;
        struct keep_pair *p = &k->pairs[k->n_pairs];
        if (a->state != ATTEMPT_READY)
            continue;
        str_copy(p->site, sizeof(p->site), t->sites[i]->id);
        str_copy(p->connection, sizeof(p->connection), a->connection);
        p->pair = a->pair;
        k->n_pairs++;
    }
    secret_wipe(&k->pairs[k->n_pairs], (KEEP_PAIRS_MAX - k->n_pairs) * sizeof(k->pairs[0]));
}

void keep_restore(const struct keep *k, struct tunnel *t, int64_t now_ms)
{
    t->key = k->key;
    t->key_made_ms = k->key_made_ms;
    for (uint32_t i = 0; i < k->n_pairs; i++)
        tunnel_restore(t, k->pairs[i].site, k->pairs[i].connection, &k->pairs[i].pair, now_ms);
}
