/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/clock.h"
#include "base/id.h"
#include "crypto/token.h"
#include "proto/enrol_string.h"
#include "server/api/crud.h"
#include "server/api/dispatch.h"
#include "server/api/hooks.h"
#include "server/api/urls.h"
#include "server/core/core.h"
#include "server/core/keys.h"
#include "server/store/sql.h"

enum { ENROLMENT_SECONDS = 60 * 60 };

struct enrolment_job {
    char id[ID_LEN_MAX], token[TOKEN_LEN_MAX];
    int64_t expires_us;
};

static int enrolment_step(struct request *req, struct response *res, const struct noun *noun, void *arg)
{
    struct enrolment_job *job = arg;
    uint8_t hash[SHA256_LEN];
    void *gateway, *after;
    int r = crud_lock(req, res, noun, &gateway);
    if (r)
        return r;
    id_new("enr", clock_wall_ms(), job->id);
    token_make("gw", job->token);
    token_hash(job->token, hash);
    job->expires_us = clock_wall_us() + (int64_t)ENROLMENT_SECONDS * 1000000;
    r = db_run(req->db, SQL_ENROLMENT_PUT,
               DB_ARGS(DB_STR("id", job->id), DB_STR("gateway_id", req->args[0]),
                       DB_BYTES("token_hash", hash, sizeof(hash)), DB_TIME("expires_at", job->expires_us)),
               NULL);
    return r ? r : crud_written(req, noun, "make-enrolment", gateway, &after);
}

int gateway_enrolment(struct request *req, struct response *res)
{
    struct enrolment_job job;
    int r = crud_transact(req, res, noun_of(req->route->pattern), enrolment_step, &job);
    if (r)
        return r;
    const struct core_keys *keys = core_keys(req->core);
    const struct settings *settings = core_settings(req->core);
    const struct enrol_string string = {
        .v = 1,
        .url = url_of_people(settings, req->arena),
        .agents_url = url_of_agents(settings, req->arena),
        .token = job.token,
        .pin = keys->tls_pin,
        .ca = keys->ca_sha256,
        .key = {keys->authority.messages.public_key, MESSAGE_KEY_LEN},
    };
    BUF_AUTO text = {0};
    enrol_string_encode(&string, &text);
    return answer_record(
        res, 201, &enrolment_rec,
        &(struct enrolment){
            .id = job.id, .gateway_id = req->args[0], .enrolment = buf_str(&text), .expires_at = job.expires_us});
}
