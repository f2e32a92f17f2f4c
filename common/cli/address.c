/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/address.h"
#include "base/encode.h"
#include "base/str.h"

enum { PIN_BYTES = 32 };

static bool pin_ok(const char *pin)
{
    uint8_t digest[PIN_BYTES];
    return str_starts(pin, "sha256//") && !base64_decode_exact(pin + strlen("sha256//"), digest, sizeof(digest));
}

static bool port_ok(const char *s)
{
    uint64_t port;
    return !*s || (*s == ':' && !parse_u64(s + 1, 1, 65535, &port));
}

/* host, host:port or [IPv6]:port, and nothing that curl would read as something else. */
static bool authority_ok(const char *s)
{
    if (*s == '[') {
        size_t n = strspn(s + 1, "0123456789abcdefABCDEF:.");
        return n >= 2 && s[n + 1] == ']' && port_ok(s + n + 2);
    }
    size_t n = strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-");
    return n && s[0] != '-' && s[0] != '.' && port_ok(s + n);
}

int address_parse(const char *text, struct address *out, const char **why)
{
    const char *hash = strchr(text, '#');
    size_t n = hash ? (size_t)(hash - text) : strlen(text);
    *out = (struct address){0};
    *why = "an address looks like https://host:port, with #pin=sha256//... behind it where the server gave one";
    while (n && text[n - 1] == '/')
        n--;
    if (!str_starts(text, "https://") || n >= sizeof(out->url))
        return -EINVAL;
    memcpy(out->url, text, n);
    if (n <= strlen("https://") || !authority_ok(out->url + strlen("https://")))
        return -EINVAL;
    if (!hash)
        return 0;
    *why = "the part behind # must be pin=sha256// and the base64 of 32 bytes";
    if (!str_starts(hash, "#pin=") || !pin_ok(hash + strlen("#pin=")))
        return -EINVAL;
    str_copy(out->pin, sizeof(out->pin), hash + strlen("#pin="));
    return 0;
}
