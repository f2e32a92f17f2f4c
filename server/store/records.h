/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Row records of the change hub's statements. */
#pragma once
#include "record/record.h"

#define META_FIELDS(F)                                               \
    F(STR, epoch, REC_REQUIRED, 1, 16, NULL, "Epoch of revisions")   \
    F(STR, origin, 0, 0, 64, NULL, "Cluster and timeline")           \
    F(INT, revision, REC_REQUIRED, 0, INT64_MAX, NULL, "Last given") \
    F(INT, floor, REC_REQUIRED, 0, INT64_MAX, NULL, "Oldest revision that a reader may continue from")
REC_STRUCT(meta, META_FIELDS)

#define META_ORIGIN_FIELDS(F) F(STR, origin, REC_REQUIRED, 1, 64, NULL, "Cluster and timeline")
REC_STRUCT(meta_origin, META_ORIGIN_FIELDS)

#define CHANGE_ROW_FIELDS(F)                                              \
    F(INT, revision, REC_REQUIRED, 1, INT64_MAX, NULL, "Its number")      \
    F(STR, kind, REC_REQUIRED, 1, 64, NULL, "Noun")                       \
    F(STR, object, REC_REQUIRED, 1, 64, NULL, "Identifier of the object") \
    F(STR, op, REC_REQUIRED, 1, 16, NULL, "added, modified or deleted")
REC_STRUCT(change_row, CHANGE_ROW_FIELDS)

#define SEQUENCED_FIELDS(F) F(INT, n, REC_REQUIRED, 0, INT64_MAX, NULL, "Rows numbered")
REC_STRUCT(sequenced, SEQUENCED_FIELDS)

#define FLAG_FIELDS(F) F(BOOL, value, REC_REQUIRED, 0, 0, NULL, "Answer")
REC_STRUCT(flag, FLAG_FIELDS)
