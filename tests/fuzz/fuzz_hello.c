/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/psk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const uint8_t *data, size_t size, const uint8_t *again, size_t n)
{
    if (n != size || memcmp(data, again, n) != 0)
        abort();
}

/* What is accepted has one spelling: encoding it gives the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[PSK_HELLO_MAX];
    struct hello_client c;
    struct hello_gateway g;
    if (hello_client_decode(data, size, &c) == 0)
        same(data, size, again, hello_client_encode(&c, again));
    if (hello_gateway_decode(data, size, &g) == 0)
        same(data, size, again, hello_gateway_encode(&g, again));
    return 0;
}
