/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Frames between front and core over their unix socket: typed structs, a strict codec and the legal order,
 * without I/O. Decoded frames live in the arena given to frame_reader_next(); encoders copy what they are
 * given.
 *
 * Frame = {u32 payload length, u8 type, u8 zero[3], u64 stream id}, big-endian, then TLVs {u8 tag, u32
 * length, bytes} in rising order of tags; only headers repeat. HELLO has stream id 0, every other frame a
 * stream's id. The front chooses the ids, each greater than the one before.
 *
 * A stream, from REQUEST on, ends with exactly one final frame of core: RESPONSE or STREAM_END, also after
 * CANCEL (where a bare STREAM_END will do). Until then it counts against the front's budget, so work that was
 * cancelled but still runs cannot be multiplied. CANCEL and CREDIT may cross the final frame: core ignores
 * them for an id that it has finished.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

enum {
    FRAME_VERSION = 1,
    FRAME_HEADER_LEN = 16,
    FRAME_PAYLOAD_MAX = 2 << 20,
    FRAME_BODY_MAX = 1 << 20,                         /* of a request */
    FRAME_DATA_MAX = FRAME_PAYLOAD_MAX - (512 << 10), /* of a response, and of one STREAM_DATA */
    FRAME_FIELDS_MAX = 100,
    FRAME_PATH_MAX = 8 << 10,   /* path, query */
    FRAME_VALUE_MAX = 16 << 10, /* one header */
    FRAME_CERTIFICATE_MAX = 16 << 10,
    /* Enough for the decoded form of any frame. */
    FRAME_ARENA = FRAME_PAYLOAD_MAX + (64 << 10),
};

enum frame_type {
    FRAME_HELLO = 1,    /* front -> core, once, first */
    FRAME_REQUEST,      /* front -> core */
    FRAME_CANCEL,       /* front -> core: nobody waits for the answer any more */
    FRAME_CREDIT,       /* front -> core: one STREAM_DATA may be sent */
    FRAME_RESPONSE,     /* core -> front: the complete answer */
    FRAME_STREAM_START, /* core -> front: status and headers of an answer without end */
    FRAME_STREAM_DATA,  /* core -> front: needs and uses up one CREDIT */
    FRAME_STREAM_END,   /* core -> front */
    FRAME_TYPE_END
};

enum frame_side { FRAME_FROM_FRONT, FRAME_FROM_CORE };
enum frame_listener { FRAME_PEOPLE = 1, FRAME_AGENTS };

struct frame_bytes {
    const void *data; /* NULL = absent */
    size_t len;
};

/* A header: name in lower case. Values hold no control characters. */
struct frame_field {
    const char *name, *value;
};

struct frame_fields {
    const struct frame_field *items;
    size_t n;
};

struct frame_hello {
    uint16_t listener; /* enum frame_listener */
    uint16_t version;
};

struct frame_request {
    const char *method;     /* "GET" */
    const char *path;       /* starts with '/'; as sent, percent-encoding untouched, without the query */
    const char *query;      /* without '?'; NULL when there was none */
    const char *peer;       /* address without port, v4-mapped addresses as IPv4 */
    const char *tls;        /* "TLSv1.3" */
    const char *request_id; /* accepted from the client or made by the front; the front adds it to the answer */
    struct frame_fields headers;
    struct frame_bytes body;
    struct frame_bytes certificate; /* DER of the verified client certificate; agents only */
};

struct frame_response { /* RESPONSE, and STREAM_START where body stays absent */
    uint16_t status;    /* 200..599 */
    struct frame_fields headers;
    struct frame_bytes body;
};

struct frame {
    enum frame_type type;
    uint64_t stream;
    union {
        struct frame_hello hello;
        struct frame_request request;
        struct frame_response response; /* RESPONSE and STREAM_START */
        struct frame_bytes data;        /* STREAM_DATA, not empty */
    };
};

const char *frame_type_name(enum frame_type type);
enum frame_side frame_side_of(enum frame_type type);

/* Appends the frame. Returns 0, or -EINVAL for what the other side would refuse (out is unchanged then). */
int frame_encode(struct buf *out, const struct frame *f) MUSTCHECK;

/* Incremental decoder of one direction. Zero is not a valid state: frame_reader_init(). */
struct frame_reader {
    enum frame_side from;
    bool broken;
    struct buf in;
    size_t at; /* start of the first byte of `in` that is not decoded yet */
};

void frame_reader_init(struct frame_reader *r, enum frame_side from);
void frame_reader_done(struct frame_reader *r);
/* Adds bytes of the socket. Call frame_reader_next() until it returns 0 before feeding more. */
void frame_reader_feed(struct frame_reader *r, const void *p, size_t n);
/*
 * Returns 1 and a frame, 0 when more bytes are needed, -EPROTO for anything malformed or of the wrong
 * direction (sticky: close the connection), -ENOMEM when the arena's limit is too small.
 */
int frame_reader_next(struct frame_reader *r, struct arena *a, struct frame *f) MUSTCHECK;

/* Order of a connection, kept by core: HELLO first and once, then rising stream ids. */
struct frame_order {
    bool greeted;
    uint64_t last_id; /* highest id that a REQUEST used */
};

/* For each frame of the front. Returns 0 or -EPROTO. */
int frame_order_step(struct frame_order *o, const struct frame *f) MUSTCHECK;

/* Order within one stream, kept by both ends. Starts zeroed, step over the REQUEST first. */
enum frame_stream_state { FRAME_IDLE, FRAME_WAITING, FRAME_STREAMING, FRAME_ENDED };

struct frame_stream {
    enum frame_stream_state state;
    bool cancelled; /* CANCEL was sent: only the final frame is of interest */
    bool credit;    /* core may send one STREAM_DATA */
};

/* For each frame that is sent or received on the stream. Returns 0, or -EPROTO and leaves the state alone. */
int frame_stream_step(struct frame_stream *s, enum frame_type type) MUSTCHECK;
