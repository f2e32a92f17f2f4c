/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/store/records.h"

#define REC_SELF meta
REC_TABLE(meta, META_FIELDS)
#undef REC_SELF

#define REC_SELF meta_origin
REC_TABLE(meta_origin, META_ORIGIN_FIELDS)
#undef REC_SELF

#define REC_SELF change_row
REC_TABLE(change_row, CHANGE_ROW_FIELDS)
#undef REC_SELF

#define REC_SELF sequenced
REC_TABLE(sequenced, SEQUENCED_FIELDS)
#undef REC_SELF

#define REC_SELF flag
REC_TABLE(flag, FLAG_FIELDS)
#undef REC_SELF
