/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The one place that includes libh2o: the evloop build, whose pkg-config file does not say so. */
#pragma once
#define H2O_USE_LIBUV 0
#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <h2o/http2_internal.h>
