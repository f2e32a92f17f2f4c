/* SPDX-License-Identifier: Apache-2.0 */
#include "server/frame/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First byte: the direction. What is accepted encodes to the same bytes again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame_reader r;
    struct frame_order order = {0};
    struct frame f;
    struct arena a;
    struct buf again = {0};
    if (!size)
        return 0;
    arena_init(&a, FRAME_ARENA);
    frame_reader_init(&r, data[0] & 1 ? FRAME_FROM_CORE : FRAME_FROM_FRONT);
    frame_reader_feed(&r, data + 1, size - 1);
    while (frame_reader_next(&r, &a, &f) == 1) {
        if (frame_encode(&again, &f))
            abort();
        if (r.from == FRAME_FROM_FRONT && frame_order_step(&order, &f))
            break;
    }
    if (again.len > size - 1 || (again.len && memcmp(again.data, data + 1, again.len)))
        abort();
    buf_done(&again);
    frame_reader_done(&r);
    arena_done(&a);
    return 0;
}
