/* SPDX-License-Identifier: Apache-2.0 */
#include "client/local.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What any local user may send to the client's daemon; what is accepted encodes to something that is accepted. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct local_request request, again;
    struct rec_errors errors = {0};
    BUF_AUTO out = {0};
    arena_init(&arena, 64 * 1024);
    if (rec_decode(&local_request_rec, REC_STRICT, (const char *)data, size, &arena, &request, &errors) == 0) {
        rec_encode(&local_request_rec, &request, 0, &out);
        if (rec_decode(&local_request_rec, REC_STRICT, out.data, out.len, &arena, &again, &errors) == -EBADMSG)
            abort();
    }
    arena_done(&arena);
    return 0;
}
