/* SPDX-License-Identifier: Apache-2.0 */
#include "server/front/hpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte belongs to a field, so a block that passes has no more bytes than allowed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool ok = hpack_block_ok(data, size);
    if (ok && size > HPACK_BLOCK_MAX)
        abort();
    return 0;
}
