/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/frame/frame.h"

int frame_order_step(struct frame_order *o, const struct frame *f)
{
    if (f->type == FRAME_HELLO) {
        if (o->greeted)
            return -EPROTO;
        o->greeted = true;
        return 0;
    }
    if (!o->greeted)
        return -EPROTO;
    if (f->type != FRAME_REQUEST)
        return f->stream <= o->last_id ? 0 : -EPROTO;
    if (f->stream <= o->last_id)
        return -EPROTO;
    o->last_id = f->stream;
    return 0;
}

static bool legal(const struct frame_stream *s, enum frame_type type)
{
    bool open = s->state == FRAME_WAITING || s->state == FRAME_STREAMING;
    switch (type) {
    case FRAME_REQUEST:
        return s->state == FRAME_IDLE;
    case FRAME_CANCEL:
        return open && !s->cancelled;
    case FRAME_CREDIT:
        return s->state == FRAME_STREAMING && !s->cancelled && !s->credit;
    case FRAME_RESPONSE:
    case FRAME_STREAM_START:
        return s->state == FRAME_WAITING;
    case FRAME_STREAM_DATA:
        return s->state == FRAME_STREAMING && s->credit;
    case FRAME_STREAM_END:
        return s->state == FRAME_STREAMING || (s->state == FRAME_WAITING && s->cancelled);
    case FRAME_HELLO:
    case FRAME_TYPE_END:
        break;
    }
    return false;
}

int frame_stream_step(struct frame_stream *s, enum frame_type type)
{
    if (!legal(s, type))
        return -EPROTO;
    if (type == FRAME_REQUEST)
        s->state = FRAME_WAITING;
    else if (type == FRAME_STREAM_START)
        s->state = FRAME_STREAMING;
    else if (type == FRAME_RESPONSE || type == FRAME_STREAM_END)
        s->state = FRAME_ENDED;
    else if (type == FRAME_CANCEL)
        s->cancelled = true;
    else
        s->credit = type == FRAME_CREDIT;
    return 0;
}
