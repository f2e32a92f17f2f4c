/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "record/record.h"
#include "record/utf8.h"
#include <arpa/inet.h>

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
    return is_lower((char)(c | 0x20)) || (c >= '0' && c <= '9');
}

static bool id_ok(const char *s)
{
    size_t n = 0;
    while (is_lower(s[n]))
        n++;
    return n >= 2 && n <= 4 && s[n] == '_' && strlen(s + n + 1) == 26 &&
           strspn(s + n + 1, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == 26;
}

/* Characters that a person cannot see or that turn the reading direction of what follows. */
static bool is_deceptive(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb);
}

static bool is_space(uint32_t c)
{
    return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200d) || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

static bool name_ok(const char *s)
{
    uint32_t c = ' ';
    for (size_t left = strlen(s), first = 1, k; left; s += k, left -= k, first = 0) {
        k = utf8_next(s, left, &c);
        if (!k || is_deceptive(c) || (first && is_space(c)))
            return false;
    }
    return !is_space(c);
}

/* "a.b" of parts that are not empty and hold only letters, digits and `more`. */
static bool dotted_ok(const char *s, size_t n, const char *more)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.' ? i == 0 || s[i - 1] == '.' : !is_alnum(s[i]) && !strchr(more, s[i]))
            return false;
    }
    return n && s[n - 1] != '.';
}

/* Labels neither start nor end with a hyphen and have at most 63 characters (RFC 1035). */
static bool labels_ok(const char *s)
{
    for (size_t n; *s; s += n + (s[n] == '.')) {
        n = strcspn(s, ".");
        if (!n || n > 63 || s[0] == '-' || s[n - 1] == '-')
            return false;
    }
    return true;
}

static bool email_ok(const char *s)
{
    const char *at = strchr(s, '@');
    if (!at || at - s > 64 || strlen(s) > 254)
        return false;
    return dotted_ok(s, (size_t)(at - s), "!#$%&'*+/=?^_`{|}~-") && dotted_ok(at + 1, strlen(at + 1), "-") &&
           labels_ok(at + 1);
}

/* Decimal number without sign and leading zeros. */
static bool number_ok(const char *s, uint64_t lo, uint64_t hi, uint64_t *v)
{
    return (s[0] != '0' || !s[1]) && !parse_u64(s, lo, hi, v);
}

static bool host_bits_clear(const unsigned char *p, unsigned bits, unsigned total)
{
    for (unsigned i = bits; i < total; i++)
        if (p[i / 8] & (0x80u >> i % 8))
            return false;
    return true;
}

static bool address_ok(int family, const char *text, unsigned char *p)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(family, text, p) != 1)
        return false;
    return family != AF_INET6 || memcmp(p, mapped, sizeof(mapped)); /* IPv4 has one spelling only */
}

static bool is_address(const char *s)
{
    unsigned char p[16];
    return address_ok(strchr(s, ':') ? AF_INET6 : AF_INET, s, p);
}

static bool prefix_ok(const char *s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char p[16];
    size_t n = strcspn(s, "/");
    int family = strchr(s, ':') ? AF_INET6 : AF_INET;
    unsigned total = family == AF_INET ? 32 : 128;
    uint64_t bits = total;
    if (n >= sizeof(text))
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    if (s[n] && !number_ok(s + n + 1, 0, total, &bits))
        return false;
    return address_ok(family, text, p) && host_bits_clear(p, (unsigned)bits, total);
}

static bool endpoint_ok(const char *s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char p[16];
    uint64_t port;
    bool six = s[0] == '[';
    const char *end = strchr(s, six ? ']' : ':');
    s += six;
    size_t n = end ? (size_t)(end - s) : 0;
    if (!end || n >= sizeof(text))
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    end += six;
    return *end == ':' && number_ok(end + 1, 1, 65535, &port) && address_ok(six ? AF_INET6 : AF_INET, text, p);
}

const struct rec_format rec_id = {NULL, "^[a-z]{2,4}_[0-9A-HJKMNP-TV-Z]{26}$", "must be an id like sit_01J...", id_ok};
const struct rec_format rec_name = {NULL, NULL, "must be printable, without space at either end", name_ok};
const struct rec_format rec_email = {"email", NULL, "must be an e-mail address", email_ok};
const struct rec_format rec_address = {"ip", NULL, "must be an IPv4 or IPv6 address", is_address};
const struct rec_format rec_prefix = {"cidr", NULL, "must be an IPv4 or IPv6 address or prefix without host bits",
                                      prefix_ok};
const struct rec_format rec_endpoint = {
    "endpoint", NULL, "must be an address and port like 198.51.100.2:51820 or [2001:db8::1]:51820", endpoint_ok};
