/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/renewals.h"
#include "base/haste.h"
#include "base/str.h"

void renewals_init(struct renewals *r, struct vault *vault, const uint8_t *message_key, const char *gateway)
{
    *r = (struct renewals){vault, message_key, gateway, INT64_MIN};
}

static bool follows(const struct vault *v, const struct renewal_state *m)
{
    if (str_eq(v->epoch, m->epoch))
        return (uint64_t)m->seq > v->seq;
    /* Epochs have no order of their own: the signed time tells an old one from a new one. */
    return m->issued > v->issued_us;
}

const char *renewals_take(struct renewals *r, const struct renewal_state *m, int64_t at_ms)
{
    struct vault *v = r->vault;
    struct renewal said = {m->gateway, m->epoch, (uint64_t)m->seq, m->issued};
    if (!str_eq(m->gateway, r->gateway))
        return "it is for another gateway";
    if (!renewal_verify(r->message_key, &said, m->signature.p))
        return "its signature is wrong";
    if (!follows(v, m) || !str_copy(v->epoch, sizeof(v->epoch), m->epoch))
        return "it is older than the last one";
    v->seq = said.seq;
    v->issued_us = said.issued_us;
    v->dirty = true;
    r->at_ms = MAX(r->at_ms, at_ms);
    return NULL;
}

int64_t renewals_open_until(const struct renewals *r, int64_t from_ms, int64_t until_ms)
{
    return MIN(until_ms, MAX(from_ms, r->at_ms) + haste_ms(RENEWAL_SPAN_MS));
}
