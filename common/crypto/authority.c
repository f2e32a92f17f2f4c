/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/authority.h"
#include "net/bytes.h"

#define FILE_NAME "authority.sealed"
enum { STORED_MAX = PKEY_PEM_MAX + CERT_MAX + 256 };

static int save(const struct authority *a, const struct seal *seal)
{
    SECRET_AUTO out = secret_new(STORED_MAX);
    SECRET_AUTO key = pkey_to_pem(a->ca_key);
    char *pem = cert_to_pem(a->ca);
    struct byte_writer w = writer_of(out.p, out.len);
    writer_field(&w, key.p, key.len);
    writer_field_text(&w, pem);
    writer_field(&w, a->messages.seed.p, a->messages.seed.len);
    free(pem);
    return w.bad ? -EFBIG : seal_write(seal, FILE_NAME, out.p, w.len);
}

static int load(struct authority *a, const struct secret *in)
{
    struct byte_reader r = reader_of(in->p, in->len);
    size_t n_key, n_cert;
    SECRET_AUTO seed = secret_new(MESSAGE_SEED_LEN);
    const uint8_t *key = reader_field(&r, PKEY_PEM_MAX, &n_key);
    const uint8_t *cert = reader_field(&r, CERT_MAX, &n_cert);
    reader_field_exact(&r, seed.p, seed.len);
    if (!reader_finished(&r) || pkey_from_pem(key, n_key, &a->ca_key) || cert_parse_pem(cert, n_cert, &a->ca))
        return -EBADMSG;
    message_key_from_seed(&a->messages, seed.p);
    return 0;
}

int authority_open(struct authority *a, const struct seal *seal, const char *organisation, int64_t now_us)
{
    SECRET_AUTO stored = {0};
    *a = (struct authority){0};
    int r = seal_read(seal, FILE_NAME, STORED_MAX, &stored);
    if (!r) {
        r = load(a, &stored);
    } else if (r == -ENOENT) {
        a->ca_key = pkey_make();
        a->ca = ca_make(a->ca_key, organisation, now_us);
        message_key_make(&a->messages);
        r = save(a, seal);
    }
    if (r)
        authority_close(a);
    return r;
}

void authority_close(struct authority *a)
{
    pkey_free(a->ca_key);
    cert_free(a->ca);
    message_key_done(&a->messages);
    *a = (struct authority){0};
}
