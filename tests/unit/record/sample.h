/* SPDX-License-Identifier: Apache-2.0 */
/* A record with a field of every type, for the tests of common/record. Include once per program. */
#pragma once
#include "record/json.h"
#include "record/record.h"

static const char *const sample_colours[] = {"red", "green", "blue", NULL};

#define RANGE_FIELDS(F)                                       \
    F(INT, first, REC_REQUIRED, 1, 65535, NULL, "First port") \
    F(INT, last, 0, 1, 65535, NULL, "Last port")
REC_STRUCT(sample_range, RANGE_FIELDS)
#define REC_SELF sample_range
REC_TABLE(sample_range, RANGE_FIELDS)
#undef REC_SELF

#define REC_OF_spare sample_range
#define REC_OF_ports sample_range
#define SAMPLE_FIELDS(F)                                     \
    F(STR, id, REC_READONLY, 0, 31, &rec_id, "Identifier")   \
    F(STR, name, REC_REQUIRED, 1, 16, &rec_name, "Name")     \
    F(STR, note, 0, 0, 0, NULL, "Anything")                  \
    F(INT, count, 0, -5, 9007199254740991, NULL, "How many") \
    F(INT, any, 0, 0, 0, NULL, "Without bounds")             \
    F(BOOL, enabled, REC_DEFAULT_TRUE, 0, 0, NULL, "On")     \
    F(BOOL, loud, 0, 0, 0, NULL, "Loud")                     \
    F(ENUM, colour, 0, 0, 0, sample_colours, "Colour")       \
    F(TIME, at, 0, 0, 0, NULL, "When")                       \
    F(BYTES, key, REC_OMIT_EMPTY, 2, 8, NULL, "Key")         \
    F(STR, secret, REC_SECRET, 0, 64, NULL, "Secret")        \
    F(STR, site_id, REC_IMMUTABLE, 0, 31, &rec_id, "Site")   \
    F(STRS, addresses, 0, 1, 4, &rec_prefix, "Addresses")    \
    F(OBJ, spare, 0, 0, 0, &sample_range_rec, "Spare")       \
    F(LIST, ports, 0, 0, 3, &sample_range_rec, "Ports")      \
    F(JSON, extra, REC_OMIT_EMPTY, 0, 200, NULL, "Whatever")
REC_STRUCT(sample, SAMPLE_FIELDS)
#define REC_SELF sample
REC_TABLE(sample, SAMPLE_FIELDS)
#undef REC_SELF
