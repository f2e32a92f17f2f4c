/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: one field list per record. The list makes the struct, and the table made from the same list drives the
 * strict JSON decoder, the encoder, JSON schema, redaction, merge-patch, differences and the SQL binding, so that
 * they cannot drift apart. Strings and lists of a decoded record live in the arena given to the decoder.
 *
 *   #define SITE_FIELDS(F) \
 *       F(STR,  id,         REC_READONLY,  0, 31, &rec_id,   "Identifier") \
 *       F(STR,  name,       REC_REQUIRED,  1, 64, &rec_name, "Unique name") \
 *       F(TIME, created_at, REC_READONLY,  0, 0,  NULL,      "When it was made")
 *   REC_STRUCT(site, SITE_FIELDS)          in the header
 *   REC_TABLE(site, SITE_FIELDS)           in one source file
 *
 * F(type, name, flags, lo, hi, extra, doc):
 *   STR    const char *    lo..hi bytes; NULL = absent (JSON null); extra = const struct rec_format * or NULL
 *   INT    int64_t         lo..hi, within +-(2^53-1); where 0 lies outside of lo..hi, 0 = absent
 *   BOOL   bool            absent = false, or true with REC_DEFAULT_TRUE
 *   ENUM   int             extra = NULL-terminated const char *const[]; absent = 0 (the first)
 *   TIME   int64_t         microseconds since 1970; RFC 3339 in JSON; 0 = absent (null)
 *   BYTES  struct rec_bytes  lo..hi bytes; standard base64 in JSON; p == NULL = absent
 *   STRS   const char **x + size_t n_x: lo..hi strings; extra = const struct rec_format * of each
 *   OBJ    struct T *      extra = &T_rec; NULL = absent
 *   LIST   struct T *x + size_t n_x: lo..hi items; extra = &T_rec
 *          (an empty list is the same as none: lo holds only where the list is required or has items)
 *   JSON   const char *    any JSON value as text of at most hi bytes, already encoded; NULL = absent
 * hi = 0 means no bound of its own (the arena's limit and the size of the request still hold).
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

enum rec_type { REC_STR, REC_INT, REC_BOOL, REC_ENUM, REC_TIME, REC_BYTES, REC_STRS, REC_OBJ, REC_LIST, REC_JSON };

#define REC_INT_MAX INT64_C(9007199254740991) /* 2^53-1, the last integer that every JSON reader keeps exact */

enum rec_flag {
    REC_REQUIRED = 1 << 0,     /* must be given when created */
    REC_READONLY = 1 << 1,     /* set by the server; refused in requests */
    REC_IMMUTABLE = 1 << 2,    /* may be given when created, not changed later */
    REC_SECRET = 1 << 3,       /* never in logs and audit; printed as "***" by REC_REDACT */
    REC_DEFAULT_TRUE = 1 << 4, /* BOOL only */
    REC_OMIT_EMPTY = 1 << 5,   /* left out of the encoding when absent, instead of null */
};

struct rec_bytes {
    const uint8_t *p;
    size_t len;
};

/* A named syntax of strings: `ok` decides, `why` tells a person, pattern/format go to JSON schema (may be NULL). */
struct rec_format {
    const char *name, *pattern, *why;
    bool (*ok)(const char *s);
};

struct rec;

struct rec_field {
    const char *name, *doc;
    enum rec_type type;
    unsigned flags;
    size_t off, off_count; /* off_count: STRS and LIST */
    int64_t lo, hi;
    const void *extra;
};

struct rec {
    const char *name;
    size_t size, n_fields;
    const struct rec_field *fields;
};

#define REC_M_STR(x)   const char *x;
#define REC_M_INT(x)   int64_t x;
#define REC_M_BOOL(x)  bool x;
#define REC_M_ENUM(x)  int x;
#define REC_M_TIME(x)  int64_t x;
#define REC_M_BYTES(x) struct rec_bytes x;
#define REC_M_JSON(x)  const char *x;
#define REC_M_STRS(x) \
    const char **x;   \
    size_t n_##x;
/* OBJ and LIST members need their type: name it with REC_OF_<field> before REC_STRUCT, e.g. #define REC_OF_ports port_range */
#define REC_M_OBJ(x) struct REC_OF_##x *x;
#define REC_M_LIST(x)     \
    struct REC_OF_##x *x; \
    size_t n_##x;
#define REC_MEMBER(type, name, flags, lo, hi, extra, doc) REC_M_##type(name)

#define REC_C_STR(x)   0
#define REC_C_INT(x)   0
#define REC_C_BOOL(x)  0
#define REC_C_ENUM(x)  0
#define REC_C_TIME(x)  0
#define REC_C_BYTES(x) 0
#define REC_C_OBJ(x)   0
#define REC_C_JSON(x)  0
#define REC_C_STRS(x)  offsetof(struct REC_SELF, n_##x)
#define REC_C_LIST(x)  offsetof(struct REC_SELF, n_##x)
#define REC_ROW(type, name, flags, lo, hi, extra, doc) \
    {#name, doc, REC_##type, flags, offsetof(struct REC_SELF, name), REC_C_##type(name), lo, hi, extra},

#define REC_STRUCT(T, FIELDS) \
    struct T {                \
        FIELDS(REC_MEMBER)    \
    };                        \
    extern const struct rec T##_rec;
/* Needs `#define REC_SELF T` before and `#undef REC_SELF` after. */
#define REC_TABLE(T, FIELDS)                                        \
    static const struct rec_field T##_fields[] = {FIELDS(REC_ROW)}; \
    const struct rec T##_rec = {#T, sizeof(struct T), sizeof(T##_fields) / sizeof(T##_fields[0]), T##_fields};

/* Formats that several records share. */
extern const struct rec_format rec_id;       /* prefix_ULID */
extern const struct rec_format rec_name;     /* printable, no leading or trailing space, no control characters */
extern const struct rec_format rec_email;    /* local@domain, lower-cased by the server */
extern const struct rec_format rec_address;  /* IPv4/IPv6 address */
extern const struct rec_format rec_prefix;   /* IPv4/IPv6 address or CIDR without host bits */
extern const struct rec_format rec_endpoint; /* 198.51.100.2:51820 or [2001:db8::1]:51820 */

enum rec_mode {
    REC_CREATE, /* admin request: unknown and read-only fields refused, required fields demanded, defaults applied */
    REC_PATCH,  /* merge-patch onto *out as it is (RFC 7396; null = absent); read-only and immutable refused */
    REC_AGENT,  /* between our programs: unknown fields ignored, required demanded */
    REC_STRICT, /* unknown refused, read-only accepted, nothing demanded: tests and the command line */
};

/* What was wrong with the input and where (RFC 6901 pointers); at most REC_ERRORS_MAX are kept. */
enum { REC_ERRORS_MAX = 16 };
struct rec_error {
    char pointer[128], detail[128];
};
struct rec_errors {
    size_t n;
    bool malformed; /* not JSON at all: 400 instead of 422 */
    struct rec_error at[REC_ERRORS_MAX];
};
void rec_error_add(struct rec_errors *errors, const char *pointer, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Appends "/name" to a pointer with ~ and / escaped. */
void rec_pointer_add(struct buf *pointer, const char *name, size_t n);

/*
 * Decodes JSON text into out (r->size bytes, zeroed by the callee except for REC_PATCH). Returns 0, -EBADMSG with
 * errors filled, or -ENOMEM when the arena's limit was passed; then out is zeroed, or for REC_PATCH left as it was.
 * Refuses what cJSON lets through: duplicate keys, bad UTF-8, NUL, trailing text, numbers that are not whole and
 * exact, depth > 16, more values than a 64th of the arena's limit in bytes. null is the same as leaving a field out, except in a patch, where it makes the field absent.
 * A patch never writes into what *out points to: a copy of the struct taken before keeps its old value.
 */
int rec_decode(const struct rec *r, enum rec_mode mode, const char *json, size_t len, struct arena *a, void *out,
               struct rec_errors *errors) MUSTCHECK;

enum { REC_REDACT = 1, REC_PRETTY = 2 };
/* Appends the record as a JSON object, fields in list order. */
void rec_encode(const struct rec *r, const void *in, unsigned flags, struct buf *out);
/* Appends {"field":{"before":x,"after":y},…} of the fields that differ, secrets as "***"; before or after may be NULL. */
void rec_diff(const struct rec *r, const void *before, const void *after, struct buf *out);
/* Appends the JSON schema (draft 2020-12) of the record as seen in answers (mode REC_STRICT) or as request body. */
void rec_schema(const struct rec *r, enum rec_mode mode, struct buf *out);
/* Whether the field has no value: encoded as null, [] or not at all. */
bool rec_absent(const struct rec_field *f, const void *in);
const struct rec_field *rec_find(const struct rec *r, const char *name);
bool rec_equal(const struct rec *r, const void *x, const void *y);
