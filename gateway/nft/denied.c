/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/nft/denied.h"
#include "base/buf.h"
#include "base/str.h"

struct denied_seen {
    uint64_t packets, reading;
};

void denied_tally_done(struct denied_tally *t)
{
    map_for_each (slot, &t->seen)
        free(slot->value);
    map_done(&t->seen);
}

static void key_of(const struct nft_denied *d, struct buf *key)
{
    buf_reset(key);
    buf_append(key, &d->inner, sizeof(d->inner));
    buf_append(key, &d->destination, sizeof(d->destination));
    buf_append(key, &d->protocol, sizeof(d->protocol));
    buf_append(key, &d->port, sizeof(d->port));
}

static struct denied_seen *seen_of(struct denied_tally *t, const struct buf *key)
{
    struct denied_seen *s = map_get_bytes(&t->seen, key->data, key->len);
    if (!s) {
        s = xalloc(sizeof(*s));
        map_set_bytes(&t->seen, key->data, key->len, s);
    }
    return s;
}

static void forget_gone(struct denied_tally *t)
{
    struct map kept = {0};
    map_for_each (slot, &t->seen) {
        struct denied_seen *s = slot->value;
        if (s->reading == t->reading)
            map_set_bytes(&kept, slot->key, slot->key_len, s);
        else
            free(s);
    }
    map_done(&t->seen);
    t->seen = kept;
}

size_t denied_tally_update(struct denied_tally *t, struct nft_denied *flows, size_t n)
{
    BUF_AUTO key = {0};
    size_t kept = 0;
    t->reading++;
    for (size_t i = 0; i < n; i++) {
        key_of(&flows[i], &key);
        struct denied_seen *s = seen_of(t, &key);
        uint64_t total = flows[i].packets, fresh = total >= s->packets ? total - s->packets : total;
        *s = (struct denied_seen){.packets = total, .reading = t->reading};
        if (fresh == 0)
            continue;
        flows[kept] = flows[i];
        flows[kept++].packets = fresh;
    }
    forget_gone(t);
    return kept;
}
