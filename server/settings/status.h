/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What core tells the supervisor over its status pipe, a byte at a time. */
#pragma once

enum { STATUS_READY = 'R', STATUS_ALIVE = '.' };
enum {
    STATUS_EVERY_MS = 1000,   /* between signs of life */
    STATUS_SILENT_MS = 30000, /* how long their absence is believed to be load */
};
