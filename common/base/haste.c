/* SPDX-License-Identifier: Apache-2.0 */
#include "base/haste.h"
#include "base/log.h"
#include "base/str.h"
#include <stdlib.h>

#define VARIABLE "POSTERN_TEST_HASTE"

static int divisor = 1;

int haste_init(void)
{
    const char *text = getenv(VARIABLE);
    uint64_t n = 1;
    if (text && parse_u64(text, 1, HASTE_MAX, &n)) {
        log_error("%s=%s: it is for tests, and must be a whole number from 1 to %d", VARIABLE, text, HASTE_MAX);
        return -EINVAL;
    }
    divisor = (int)n;
    if (n > 1)
        log_warn("%s: intervals of the agent protocol are divided by %d", VARIABLE, divisor);
    return 0;
}

int64_t haste_ms(int64_t interval_ms)
{
    return interval_ms / divisor;
}

int haste_s(int interval_s)
{
    return MAX(interval_s / divisor, 1);
}
