/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Cursors of lists: the id after which the next page begins, bound by a MAC to the list and its filter, so that a
 * caller can neither make one nor move one to another list. base64url of {version, hash of the list, id, MAC}.
 */
#pragma once
#include "base/id.h"

enum { CURSOR_KEY_LEN = 32, CURSOR_TEXT_LEN = 96 };

enum cursor_result {
    CURSOR_OK,
    CURSOR_INVALID, /* not made with this key */
    CURSOR_MISMATCH /* made for another list or filter */
};

/* list: everything that must stay the same from page to page, e.g. the path and the filter. */
void cursor_make(const uint8_t key[static CURSOR_KEY_LEN], const char *list, const char *id,
                 char out[static CURSOR_TEXT_LEN]);
enum cursor_result cursor_read(const uint8_t key[static CURSOR_KEY_LEN], const char *list, const char *text,
                               char id[static ID_LEN_MAX]) MUSTCHECK;
