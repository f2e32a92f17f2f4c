/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Stands in for klib's khash.h, which <h2o/http2_internal.h> asks for and Debian does not ship: only the types that
 * make the header compile. Nothing of ours looks into such a map. */
#pragma once

typedef unsigned khint_t;
typedef unsigned khiter_t;

#define KHASH_MAP_INIT_INT64(name, type) \
    typedef struct {                     \
        type *vals;                      \
    } kh_##name##_t;
#define khash_t(name)        kh_##name##_t
#define kh_get(name, map, k) (0u)
#define kh_end(map)          (0u)
#define kh_val(map, x)       ((map)->vals[x])
