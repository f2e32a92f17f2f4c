/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map from byte strings to pointers. Keys are copied; values belong to the caller. SipHash-1-3 with a
 * per-process random key, so strangers cannot choose colliding keys. Not thread-safe.
 */
#pragma once
#include "base/defs.h"

struct map_slot {
    char *key; /* NUL-terminated copy; NULL = free slot */
    size_t key_len;
    uint64_t hash;
    void *value;
};

struct map {
    struct map_slot *slots;
    size_t cap, len; /* cap is 0 or a power of two */
};

#define map_for_each(it, m)                                                        \
    for (struct map_slot *it = (m)->slots; it && it < (m)->slots + (m)->cap; it++) \
        if (it->key)

void map_done(struct map *m);
void *map_get(const struct map *m, const char *key);
void *map_get_bytes(const struct map *m, const void *key, size_t len);
/* Sets key to value (not NULL) and returns the value that was there before, or NULL. */
void *map_set(struct map *m, const char *key, void *value);
void *map_set_bytes(struct map *m, const void *key, size_t len, void *value);
/* Removes and returns the value, NULL when there was none. Not inside map_for_each. */
void *map_remove(struct map *m, const char *key);
void *map_remove_bytes(struct map *m, const void *key, size_t len);

/* SipHash-1-3 of a byte string under the process's key. */
uint64_t map_hash(const void *p, size_t len);
