/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Owns nothing. */
#pragma once
#include "base/defs.h"

/* Length (1..4) of the character at s, of which n bytes may be read, and its code point; 0 when it is not
 * valid. */
size_t utf8_next(const char *s, size_t n, uint32_t *code);
/* Number of characters of a string; every invalid byte counts as one. */
size_t utf8_count(const char *s);
