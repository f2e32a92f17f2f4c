/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/cursor.h"
#include "base/encode.h"
#include "base/str.h"
#include "crypto/hash.h"

enum { VERSION = 1, LIST_LEN = 8, MAC_LEN = 16 };

/* Fixed size; the id is padded with NUL. */
struct raw {
    uint8_t version;
    uint8_t list[LIST_LEN];
    char id[ID_LEN_MAX];
    uint8_t mac[MAC_LEN];
};
_Static_assert(sizeof(struct raw) == 1 + LIST_LEN + ID_LEN_MAX + MAC_LEN, "no padding");
_Static_assert(BASE64URL_LEN(sizeof(struct raw)) <= CURSOR_TEXT_LEN, "fits its text");

static void list_hash(const char *list, uint8_t out[static LIST_LEN])
{
    uint8_t hash[SHA256_LEN];
    sha256(list, strlen(list), hash);
    memcpy(out, hash, LIST_LEN);
}

static void mac(const uint8_t *key, const struct raw *raw, uint8_t out[static MAC_LEN])
{
    uint8_t full[SHA256_LEN];
    hmac_sha256(key, CURSOR_KEY_LEN, raw, offsetof(struct raw, mac), full);
    memcpy(out, full, MAC_LEN);
}

void cursor_make(const uint8_t key[static CURSOR_KEY_LEN], const char *list, const char *id,
                 char out[static CURSOR_TEXT_LEN])
{
    struct raw raw = {.version = VERSION};
    list_hash(list, raw.list);
    str_copy(raw.id, sizeof(raw.id), id);
    mac(key, &raw, raw.mac);
    base64url_encode(&raw, sizeof(raw), out);
}

enum cursor_result cursor_read(const uint8_t key[static CURSOR_KEY_LEN], const char *list, const char *text,
                               char id[static ID_LEN_MAX])
{
    struct raw raw;
    uint8_t expected[MAC_LEN], hash[LIST_LEN];
    if (base64url_decode_exact(text, &raw, sizeof(raw)) || raw.version != VERSION)
        return CURSOR_INVALID;
    mac(key, &raw, expected);
    if (!bytes_eq_ct(expected, raw.mac, MAC_LEN) || raw.id[ID_LEN_MAX - 1])
        return CURSOR_INVALID;
    list_hash(list, hash);
    if (memcmp(hash, raw.list, LIST_LEN) != 0)
        return CURSOR_MISMATCH;
    memcpy(id, raw.id, ID_LEN_MAX);
    return CURSOR_OK;
}
