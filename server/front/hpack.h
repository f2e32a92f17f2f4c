/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Counts the fields of an HPACK block (RFC 7541) without decoding it. Pure. */
#pragma once
#include "base/defs.h"

enum { HPACK_FIELDS_MAX = 100, HPACK_BLOCK_MAX = 32 << 10 };

/* False for a block that is malformed, longer than HPACK_BLOCK_MAX or has more than HPACK_FIELDS_MAX entries. */
bool hpack_block_ok(const uint8_t *p, size_t len);
