/* SPDX-License-Identifier: Apache-2.0 */
#include "wireguard/uapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted must be sorted, and no different from itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wg_device d;
    if (uapi_parse((const char *)data, size, &d))
        return 0;
    for (size_t i = 1; i < d.n_peers; i++)
        if (wg_key_compare(&d.peers[i - 1].public_key, &d.peers[i].public_key) >= 0)
            abort();
    UAPI_TEXT set = {0};
    int r = uapi_diff(&d, &d, &set);
    if ((r != 0 && r != -EEXIST) || set.len > 0)
        abort();
    wg_device_done(&d);
    return 0;
}
