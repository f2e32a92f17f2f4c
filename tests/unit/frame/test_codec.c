/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "server/frame/frame.h"
#include "test.h"

enum { ROUNDS = 3000 };

/* Encodes, or fails the test. */
static void encode(struct buf *out, const struct frame *f)
{
    assert_int_equal(frame_encode(out, f), 0);
}

static const struct frame_field two_fields[] = {{"if-match", "\"1.2\""}, {"x-empty", ""}};

static const struct frame full_request = {
    .type = FRAME_REQUEST,
    .stream = 7,
    .request = {.method = "POST",
                .path = "/api/v1/sites",
                .query = "limit=5",
                .peer = "2001:db8::1",
                .tls = "TLSv1.3",
                .request_id = "req_1",
                .headers = {two_fields, 2},
                .body = {"{}", 2},
                .certificate = {"\x30\x00", 2}},
};

static void test_request_round_trip(void **state)
{
    BUF_AUTO wire = {0};
    struct frame_reader r;
    struct arena a;
    struct frame f;
    encode(&wire, &full_request);
    arena_init(&a, FRAME_ARENA);
    frame_reader_init(&r, FRAME_FROM_FRONT);
    frame_reader_feed(&r, wire.data, wire.len);
    assert_int_equal(frame_reader_next(&r, &a, &f), 1);
    assert_int_equal(f.type, FRAME_REQUEST);
    assert_int_equal(f.stream, 7);
    assert_string_equal(f.request.method, "POST");
    assert_string_equal(f.request.query, "limit=5");
    assert_string_equal(f.request.peer, "2001:db8::1");
    assert_int_equal(f.request.headers.n, 2);
    assert_string_equal(f.request.headers.items[0].name, "if-match");
    assert_string_equal(f.request.headers.items[1].value, "");
    assert_int_equal(f.request.body.len, 2);
    assert_memory_equal(f.request.certificate.data, "\x30\x00", 2);
    assert_int_equal(frame_reader_next(&r, &a, &f), 0);
    frame_reader_done(&r);
    arena_done(&a);
}

/* The exact bytes of one frame, so that the format does not change unnoticed. */
static void test_bytes_of_response(void **state)
{
    static const char want[] = "\0\0\0\x1a\x05\0\0\0\0\0\0\0\0\0\0\x09"
                               "\x01\0\0\0\x02\x00\xc8"
                               "\x02\0\0\0\x04"
                               "a\0b "
                               "\x03\0\0\0\x05hello";
    static const struct frame_field field = {"a", "b "};
    struct frame f = {.type = FRAME_RESPONSE, .stream = 9, .response = {200, {&field, 1}, {"hello", 5}}};
    BUF_AUTO wire = {0};
    encode(&wire, &f);
    assert_int_equal(wire.len, sizeof(want) - 1);
    assert_memory_equal(wire.data, want, sizeof(want) - 1);
}

static void expect_refused(struct frame f)
{
    BUF_AUTO wire = {0};
    buf_puts(&wire, "before");
    assert_int_equal(frame_encode(&wire, &f), -EINVAL);
    assert_string_equal(buf_str(&wire), "before");
}

static void test_encoder_refuses(void **state)
{
    static const struct frame_field bad_fields[] = {{"Upper", "x"}, {"a", "line\nbreak"}, {"", "x"}, {"a b", "x"}};
    struct frame f = full_request;
    f.stream = 0;
    expect_refused(f);
    expect_refused((struct frame){.type = FRAME_HELLO, .stream = 1, .hello = {FRAME_PEOPLE, 1}});
    expect_refused((struct frame){.type = FRAME_HELLO, .hello = {3, 1}});
    expect_refused((struct frame){.type = FRAME_RESPONSE, .stream = 1, .response = {.status = 199}});
    expect_refused((struct frame){.type = FRAME_STREAM_DATA, .stream = 1, .data = {"", 0}});
    expect_refused((struct frame){.type = (enum frame_type)99, .stream = 1});
    f = full_request;
    f.request.path = "no-slash";
    expect_refused(f);
    f = full_request;
    f.request.method = NULL;
    expect_refused(f);
    f = full_request;
    f.request.body.len = FRAME_BODY_MAX + 1;
    expect_refused(f);
    for (size_t i = 0; i < ARRAY_LEN(bad_fields); i++) {
        f = full_request;
        f.request.headers = (struct frame_fields){&bad_fields[i], 1};
        expect_refused(f);
    }
}

/* Result of decoding the bytes as the only input of a direction. */
static int decode(enum frame_side from, const void *p, size_t n)
{
    struct frame_reader r;
    struct arena a;
    struct frame f;
    arena_init(&a, FRAME_ARENA);
    frame_reader_init(&r, from);
    frame_reader_feed(&r, p, n);
    int result = frame_reader_next(&r, &a, &f);
    if (result < 0) /* stays broken whatever follows */
        assert_int_equal(frame_reader_next(&r, &a, &f), -EPROTO);
    frame_reader_done(&r);
    arena_done(&a);
    return result;
}

#define BYTES(s)        s, sizeof(s) - 1
#define HEAD(len, type) "\0\0\0" len type "\0\0\0\0\0\0\0\0\0\0\x01"

static void test_decoder_refuses(void **state)
{
    static const struct {
        const char *why;
        enum frame_side from;
        const char *p;
        size_t n;
    } cases[] = {
        {"unknown type", FRAME_FROM_CORE, BYTES(HEAD("\0", "\x63"))},
        {"type 0", FRAME_FROM_CORE, BYTES(HEAD("\0", "\0"))},
        {"wrong direction", FRAME_FROM_CORE, BYTES(HEAD("\0", "\x03"))},
        {"padding not zero", FRAME_FROM_FRONT, BYTES("\0\0\0\0\x03\x01\0\0\0\0\0\0\0\0\0\x01")},
        {"too long", FRAME_FROM_CORE, BYTES("\x00\x20\x00\x01\x05\0\0\0\0\0\0\0\0\0\0\x01")},
        {"stream 0", FRAME_FROM_FRONT, BYTES("\0\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0")},
        {"payload where none belongs", FRAME_FROM_FRONT, BYTES(HEAD("\x01", "\x03") "x")},
        {"missing status", FRAME_FROM_CORE, BYTES(HEAD("\0", "\x05"))},
        {"cut TLV header", FRAME_FROM_CORE, BYTES(HEAD("\x02", "\x05") "\x01\0")},
        {"TLV longer than the frame", FRAME_FROM_CORE, BYTES(HEAD("\x07", "\x05") "\x01\0\0\0\x03\0\xc8")},
        {"status of three bytes", FRAME_FROM_CORE, BYTES(HEAD("\x08", "\x05") "\x01\0\0\0\x03\0\0\xc8")},
        {"status 600", FRAME_FROM_CORE, BYTES(HEAD("\x07", "\x05") "\x01\0\0\0\x02\x02\x58")},
        {"repeated", FRAME_FROM_CORE, BYTES(HEAD("\x0e", "\x05") "\x01\0\0\0\x02\0\xc8\x01\0\0\0\x02\0\xc8")},
        {"body in STREAM_START", FRAME_FROM_CORE, BYTES(HEAD("\x0d", "\x06") "\x01\0\0\0\x02\0\xc8\x03\0\0\0\x01x")},
        {"header without NUL", FRAME_FROM_CORE, BYTES(HEAD("\x0d", "\x05") "\x01\0\0\0\x02\0\xc8\x02\0\0\0\x01x")},
        {"header with two NULs", FRAME_FROM_CORE,
         BYTES(HEAD("\x10", "\x05") "\x01\0\0\0\x02\0\xc8\x02\0\0\0\x04x\0\0y")},
        {"header with a line break", FRAME_FROM_CORE,
         BYTES(HEAD("\x0f", "\x05") "\x01\0\0\0\x02\0\xc8\x02\0\0\0\x03x\0\n")},
        {"wrong order", FRAME_FROM_CORE, BYTES(HEAD("\x0d", "\x05") "\x03\0\0\0\x01x\x01\0\0\0\x02\0\xc8")},
        {"empty STREAM_DATA", FRAME_FROM_CORE, BYTES(HEAD("\x05", "\x07") "\x01\0\0\0\0")},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (decode(cases[i].from, cases[i].p, cases[i].n) != -EPROTO)
            fail_msg("accepted: %s", cases[i].why);
    assert_int_equal(decode(FRAME_FROM_CORE, BYTES(HEAD("\x07", "\x05") "\x01\0\0\0\x02\0\xc8")), 1);
}

static void test_too_many_headers(void **state)
{
    struct frame_field fields[FRAME_FIELDS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i] = (struct frame_field){"a", "b"};
    struct frame f = {.type = FRAME_STREAM_START, .stream = 1, .response = {200, {fields, FRAME_FIELDS_MAX}, {0}}};
    BUF_AUTO wire = {0};
    encode(&wire, &f);
    assert_int_equal(decode(FRAME_FROM_CORE, wire.data, wire.len), 1);
    /* one more header, by hand */
    buf_append(&wire,
               "\x02\0\0\0\x03"
               "a\0b",
               8);
    unsigned len = (unsigned)(wire.len - FRAME_HEADER_LEN);
    wire.data[2] = (char)(len >> 8);
    wire.data[3] = (char)(len & 255);
    assert_int_equal(decode(FRAME_FROM_CORE, wire.data, wire.len), -EPROTO);
    f.response.headers.n++;
    expect_refused(f);
}

static void test_arena_too_small(void **state)
{
    BUF_AUTO wire = {0};
    struct frame_reader r;
    struct arena a;
    struct frame f;
    encode(&wire, &full_request);
    arena_init(&a, 64);
    frame_reader_init(&r, FRAME_FROM_FRONT);
    frame_reader_feed(&r, wire.data, wire.len);
    assert_int_equal(frame_reader_next(&r, &a, &f), -ENOMEM);
    frame_reader_done(&r);
    arena_done(&a);
}

/* --- random frames --- */

static const char *random_text(struct test_rng *rng, struct arena *a, const char *alphabet, size_t lo, size_t hi)
{
    size_t n = lo + test_rng_below(rng, hi - lo + 1);
    char *s = arena_alloc(a, n + 1);
    for (size_t i = 0; i < n; i++)
        s[i] = alphabet[test_rng_below(rng, strlen(alphabet))];
    return s;
}

static struct frame_bytes random_bytes(struct test_rng *rng, struct arena *a, size_t lo, size_t hi)
{
    size_t n = lo + test_rng_below(rng, hi - lo + 1);
    uint8_t *p = arena_alloc(a, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)test_rng_next(rng);
    return (struct frame_bytes){p, n};
}

static struct frame_fields random_fields(struct test_rng *rng, struct arena *a)
{
    size_t n = test_rng_below(rng, 6);
    struct frame_field *items = arena_array(a, n, sizeof(*items));
    for (size_t i = 0; i < n; i++)
        items[i] =
            (struct frame_field){random_text(rng, a, "abz09-_", 1, 12), random_text(rng, a, "aZ 9\t\xc3\"", 0, 30)};
    return (struct frame_fields){n ? items : NULL, n};
}

static void random_request(struct test_rng *rng, struct arena *a, struct frame_request *r)
{
    char *path = arena_printf(a, "/%s", random_text(rng, a, "ab/%2.~", 0, 40));
    *r = (struct frame_request){.method = random_text(rng, a, "GETPOS", 1, 16),
                                .path = path,
                                .query = test_rng_below(rng, 2) ? random_text(rng, a, "a=&%2", 0, 20) : NULL,
                                .peer = random_text(rng, a, "0123456789.:", 1, 39),
                                .tls = random_text(rng, a, "TLSv1.23", 1, 16),
                                .request_id = random_text(rng, a, "req_0", 1, 64),
                                .headers = random_fields(rng, a)};
    if (test_rng_below(rng, 2))
        r->body = random_bytes(rng, a, 0, 300);
    if (test_rng_below(rng, 2))
        r->certificate = random_bytes(rng, a, 1, 300);
}

static struct frame random_frame(struct test_rng *rng, struct arena *a)
{
    struct frame f = {.type = (enum frame_type)(1 + test_rng_below(rng, FRAME_TYPE_END - 1))};
    f.stream = f.type == FRAME_HELLO ? 0 : 1 + test_rng_next(rng) / 2;
    if (f.type == FRAME_HELLO)
        f.hello = (struct frame_hello){(uint16_t)(1 + test_rng_below(rng, 2)), (uint16_t)(1 + test_rng_below(rng, 9))};
    else if (f.type == FRAME_REQUEST)
        random_request(rng, a, &f.request);
    else if (f.type == FRAME_STREAM_DATA)
        f.data = random_bytes(rng, a, 1, 500);
    else if (f.type == FRAME_RESPONSE || f.type == FRAME_STREAM_START)
        f.response = (struct frame_response){(uint16_t)(200 + test_rng_below(rng, 400)), random_fields(rng, a), {0}};
    if (f.type == FRAME_RESPONSE && test_rng_below(rng, 2))
        f.response.body = random_bytes(rng, a, 0, 500);
    return f;
}

static void assert_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a)
        assert_string_equal(a, b);
}

static void assert_bytes(const struct frame_bytes *a, const struct frame_bytes *b)
{
    assert_int_equal(a->data == NULL, b->data == NULL);
    assert_int_equal(a->len, b->len);
    if (a->len)
        assert_memory_equal(a->data, b->data, a->len);
}

static void assert_fields(const struct frame_fields *a, const struct frame_fields *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_string_equal(a->items[i].name, b->items[i].name);
        assert_string_equal(a->items[i].value, b->items[i].value);
    }
}

static void assert_request(const struct frame_request *a, const struct frame_request *b)
{
    assert_text(a->method, b->method);
    assert_text(a->path, b->path);
    assert_text(a->query, b->query);
    assert_text(a->peer, b->peer);
    assert_text(a->tls, b->tls);
    assert_text(a->request_id, b->request_id);
    assert_fields(&a->headers, &b->headers);
    assert_bytes(&a->body, &b->body);
    assert_bytes(&a->certificate, &b->certificate);
}

static void assert_frame(const struct frame *a, const struct frame *b)
{
    assert_int_equal(a->type, b->type);
    assert_true(a->stream == b->stream);
    if (a->type == FRAME_HELLO)
        assert_memory_equal(&a->hello, &b->hello, sizeof(a->hello));
    else if (a->type == FRAME_REQUEST)
        assert_request(&a->request, &b->request);
    else if (a->type == FRAME_STREAM_DATA)
        assert_bytes(&a->data, &b->data);
    else if (a->type == FRAME_RESPONSE || a->type == FRAME_STREAM_START) {
        assert_int_equal(a->response.status, b->response.status);
        assert_fields(&a->response.headers, &b->response.headers);
        assert_bytes(&a->response.body, &b->response.body);
    }
}

/* Feeds the wire in pieces of random length and returns the number of frames that came out, equal to those sent. */
static size_t feed_in_pieces(struct test_rng *rng, const struct buf *wire, const struct frame *sent, struct arena *a)
{
    struct frame_reader r;
    struct frame f;
    size_t n = 0;
    frame_reader_init(&r, frame_side_of(sent[0].type));
    for (size_t at = 0; at < wire->len;) {
        size_t piece = 1 + test_rng_below(rng, 60);
        piece = MIN(piece, wire->len - at);
        frame_reader_feed(&r, wire->data + at, piece);
        at += piece;
        int got;
        while ((got = frame_reader_next(&r, a, &f)) == 1)
            assert_frame(&sent[n++], &f);
        assert_int_equal(got, 0);
    }
    frame_reader_done(&r);
    return n;
}

static void test_random_round_trip(void **state)
{
    struct test_rng rng = test_rng_seeded("round trip");
    for (int i = 0; i < ROUNDS; i++) {
        struct frame sent[4];
        struct arena a;
        BUF_AUTO wire = {0};
        size_t n = 0;
        arena_init(&a, 1 << 20);
        while (n < ARRAY_LEN(sent)) {
            struct frame f = random_frame(&rng, &a);
            if (n && frame_side_of(f.type) != frame_side_of(sent[0].type))
                continue;
            encode(&wire, &f);
            sent[n++] = f;
        }
        assert_int_equal(feed_in_pieces(&rng, &wire, sent, &a), n);
        arena_done(&a);
    }
}

/* Whatever the decoder takes of damaged bytes is exactly what the encoder would have made: there is one form only. */
static void test_random_damage(void **state)
{
    struct test_rng rng = test_rng_seeded("damage");
    for (int i = 0; i < ROUNDS * 3; i++) {
        struct arena a;
        struct frame_reader r;
        BUF_AUTO wire = {0}, again = {0};
        arena_init(&a, FRAME_ARENA);
        struct frame f = random_frame(&rng, &a);
        encode(&wire, &f);
        enum frame_side from = frame_side_of(f.type);
        for (uint64_t hits = 1 + test_rng_below(&rng, 3); hits; hits--)
            wire.data[test_rng_below(&rng, wire.len)] ^= (char)(1 << test_rng_below(&rng, 8));
        frame_reader_init(&r, from);
        frame_reader_feed(&r, wire.data, wire.len);
        if (frame_reader_next(&r, &a, &f) == 1) {
            encode(&again, &f);
            assert_true(again.len <= wire.len);
            assert_memory_equal(again.data, wire.data, again.len);
        }
        frame_reader_done(&r);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_round_trip), cmocka_unit_test(test_bytes_of_response),
        cmocka_unit_test(test_encoder_refuses),    cmocka_unit_test(test_decoder_refuses),
        cmocka_unit_test(test_too_many_headers),   cmocka_unit_test(test_arena_too_small),
        cmocka_unit_test(test_random_round_trip),  cmocka_unit_test(test_random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
