/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/front/hpack.h"

struct cursor {
    const uint8_t *p, *end;
};

/* RFC 7541 section 5.1: an integer in the low `bits` of the first byte. More than 28 further bits are refused. */
static bool take_integer(struct cursor *c, unsigned bits, size_t *v)
{
    if (c->p == c->end)
        return false;
    unsigned mask = (1u << bits) - 1;
    *v = *c->p++ & mask;
    if (*v < mask)
        return true;
    for (unsigned shift = 0; shift <= 21 && c->p != c->end; shift += 7) {
        uint8_t b = *c->p++;
        *v += (size_t)(b & 127) << shift;
        if (!(b & 128))
            return true;
    }
    return false;
}

static bool skip_string(struct cursor *c)
{
    size_t n;
    if (!take_integer(c, 7, &n) || n > (size_t)(c->end - c->p))
        return false;
    c->p += n;
    return true;
}

/* A literal whose name is index `bits` wide, or spelled out when the index is 0. */
static bool skip_literal(struct cursor *c, unsigned bits)
{
    size_t index;
    if (!take_integer(c, bits, &index))
        return false;
    return (index || skip_string(c)) && skip_string(c);
}

static bool skip_field(struct cursor *c)
{
    size_t v;
    uint8_t b = *c->p;
    if (b & 0x80) /* indexed */
        return take_integer(c, 7, &v);
    if ((b & 0xe0) == 0x20) /* table size update */
        return take_integer(c, 5, &v);
    return skip_literal(c, b & 0x40 ? 6 : 4);
}

bool hpack_block_ok(const uint8_t *p, size_t len)
{
    struct cursor c = {p, p + len};
    if (len > HPACK_BLOCK_MAX)
        return false;
    for (int n = 0; c.p != c.end; n++)
        if (n == HPACK_FIELDS_MAX || !skip_field(&c))
            return false;
    return true;
}
