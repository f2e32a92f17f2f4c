/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/store/audit.h"
#include "base/clock.h"
#include "base/id.h"
#include "server/store/sql.h"

int audit_add(struct db *db, const struct audit_actor *actor, const struct audit_entry *e)
{
    char id[ID_LEN_MAX];
    BUF_AUTO changes = {0};
    id_new("aud", clock_wall_ms(), id);
    if (e->rec)
        rec_diff(e->rec, e->before, e->after, &changes);
    return db_run(
        db, SQL_AUDIT_INSERT,
        DB_ARGS(DB_STR("id", id), DB_STR("action", e->action), DB_STR("kind", e->kind),
                DB_STR("object_id", e->object_id), DB_STR("object_name", e->object_name), DB_STR("actor", actor->id),
                DB_STR("actor_name", actor->name), DB_STR("token_id", actor->token), DB_STR("address", actor->address),
                DB_STR("request_id", actor->request_id), DB_STR("changes", e->rec ? buf_str(&changes) : NULL)),
        NULL);
}
