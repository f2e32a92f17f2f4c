/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "base/rng.h"
#include <pthread.h>

static uint64_t sip_key[2];
static pthread_once_t sip_once = PTHREAD_ONCE_INIT;

static void sip_init(void)
{
    rng_bytes(sip_key, sizeof(sip_key));
}

static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

/* SipHash-1-3, Aumasson and Bernstein 2012, section 2. */
uint64_t map_hash(const void *p, size_t len)
{
    pthread_once(&sip_once, sip_init);
    const unsigned char *in = p;
    uint64_t v[4] = {sip_key[0] ^ 0x736f6d6570736575u, sip_key[1] ^ 0x646f72616e646f6du,
                     sip_key[0] ^ 0x6c7967656e657261u, sip_key[1] ^ 0x7465646279746573u};
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t m;
        memcpy(&m, in + i, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    uint64_t m = (uint64_t)len << 56;
    for (unsigned shift = 0; i < len; i++, shift += 8)
        m |= (uint64_t)in[i] << shift;
    v[3] ^= m;
    sip_round(v);
    v[0] ^= m;
    v[2] ^= 0xff;
    for (int r = 0; r < 3; r++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Slot that holds the key, or the free slot where it would go. cap > 0. */
static struct map_slot *find(const struct map *m, const void *key, size_t len, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);
    for (;; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[i];
        if (!s->key || (s->hash == hash && s->key_len == len && !memcmp(s->key, key, len)))
            return s;
    }
}

static void grow(struct map *m)
{
    struct map old = *m;
    m->cap = old.cap ? old.cap * 2 : 16;
    m->slots = calloc(m->cap, sizeof(*m->slots));
    if (!m->slots)
        abort();
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key)
            *find(m, old.slots[i].key, old.slots[i].key_len, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

void map_done(struct map *m)
{
    map_for_each (s, m)
        free(s->key);
    free(m->slots);
    *m = (struct map){0};
}

void *map_get_bytes(const struct map *m, const void *key, size_t len)
{
    return m->cap ? find(m, key, len, map_hash(key, len))->value : NULL;
}

void *map_set_bytes(struct map *m, const void *key, size_t len, void *value)
{
    if ((m->len + 1) * 4 > m->cap * 3)
        grow(m);
    uint64_t hash = map_hash(key, len);
    struct map_slot *s = find(m, key, len, hash);
    void *old = s->value;
    s->value = value;
    if (s->key)
        return old;
    s->key = malloc(len + 1);
    if (!s->key)
        abort();
    if (len)
        memcpy(s->key, key, len);
    s->key[len] = '\0';
    s->key_len = len;
    s->hash = hash;
    m->len++;
    return NULL;
}

void *map_remove_bytes(struct map *m, const void *key, size_t len)
{
    if (!m->cap)
        return NULL;
    struct map_slot *s = find(m, key, len, map_hash(key, len));
    if (!s->key)
        return NULL;
    void *value = s->value;
    free(s->key);
    *s = (struct map_slot){0};
    m->len--;
    /* Close the gap: move back every follower whose home slot is not between the gap and itself. */
    size_t gap = (size_t)(s - m->slots);
    for (size_t i = (gap + 1) & (m->cap - 1); m->slots[i].key; i = (i + 1) & (m->cap - 1)) {
        size_t home = m->slots[i].hash & (m->cap - 1);
        if (((i - home) & (m->cap - 1)) >= ((i - gap) & (m->cap - 1))) {
            m->slots[gap] = m->slots[i];
            m->slots[i] = (struct map_slot){0};
            gap = i;
        }
    }
    return value;
}

void *map_get(const struct map *m, const char *key)
{
    return map_get_bytes(m, key, strlen(key));
}

void *map_set(struct map *m, const char *key, void *value)
{
    return map_set_bytes(m, key, strlen(key), value);
}

void *map_remove(struct map *m, const char *key)
{
    return map_remove_bytes(m, key, strlen(key));
}
