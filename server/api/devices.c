/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/api/crud.h"
#include "server/api/hooks.h"
#include "server/store/sql.h"

struct block_job {
    bool blocked;
    void *device;
};

/* Asking for what is already so changes nothing, so that a nervous administrator may press twice. */
static int block_step(struct request *req, struct response *res, const struct noun *noun, void *arg)
{
    struct block_job *job = arg;
    int r = crud_lock(req, res, noun, &job->device);
    const struct device *before = job->device;
    if (r || before->blocked == job->blocked)
        return r;
    r = db_run(req->db, SQL_DEVICE_BLOCK, DB_ARGS(DB_STR("id", before->id), DB_BOOL("blocked", job->blocked)), NULL);
    return r ? r : crud_written(req, noun, job->blocked ? "block" : "unblock", before, &job->device);
}

static int set_blocked(struct request *req, struct response *res, bool blocked)
{
    const struct noun *noun = noun_of(req->route->pattern);
    struct block_job job = {.blocked = blocked};
    int r = crud_transact(req, res, noun, block_step, &job);
    return r ? r : crud_answer(res, noun, 200, job.device);
}

int device_block(struct request *req, struct response *res)
{
    return set_blocked(req, res, true);
}

int device_unblock(struct request *req, struct response *res)
{
    return set_blocked(req, res, false);
}
