/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/str.h"
#include "server/core/hub.h"
#include "server/store/sql.h"
#include <stdio.h>

int change_add(struct db *db, const char *kind, const char *object, const char *op)
{
    int r = db_run(db, SQL_CHANGE_ADD, DB_ARGS(DB_STR("kind", kind), DB_STR("object", object), DB_STR("op", op)), NULL);
    if (!r)
        db_note_change(db);
    return r;
}

void revision_format(const char *epoch, int64_t n, char out[static REVISION_TEXT_LEN])
{
    snprintf(out, REVISION_TEXT_LEN, "%.*s.%lld", HUB_EPOCH_LEN - 1, epoch, (long long)n);
}

int revision_parse(const char *s, char epoch[static HUB_EPOCH_LEN], int64_t *n)
{
    const char *dot = strchr(s, '.');
    size_t len = dot ? (size_t)(dot - s) : 0;
    if (!len || len >= HUB_EPOCH_LEN)
        return -EINVAL;
    memcpy(epoch, s, len);
    epoch[len] = '\0';
    return parse_i64(dot + 1, 0, INT64_MAX, n);
}
