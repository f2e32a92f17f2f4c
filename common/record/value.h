/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of one field; inside common/record only. */
#pragma once
#include "record/record.h"

void rec_put_value(const struct rec_field *f, const void *in, unsigned flags, int level, struct buf *out);
