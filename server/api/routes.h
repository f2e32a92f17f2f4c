/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The API's own rows. */
#pragma once
#include "server/core/handler.h"

extern const struct route api_routes[];
extern const size_t n_api_routes;
