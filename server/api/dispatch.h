/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Small answers that handlers share. */
#pragma once
#include "server/api/problem.h"

/* A record as JSON. Returns 0. */
int answer_record(struct response *res, int status, const struct rec *rec, const void *record);
