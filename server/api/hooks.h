/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What single nouns want beyond the generic handlers; see struct noun. */
#pragma once
#include "server/api/noun.h"

void resource_hook_check(struct request *req, void *object, struct rec_errors *errors);

/* Addresses in lower case. */
void person_hook_check(struct request *req, void *object, struct rec_errors *errors);
/* The last enabled administrator stays. */
int person_hook_guard(struct request *req, struct response *res, const void *before, const void *after);

/* Expiry lies ahead, within a year. */
void token_hook_check(struct request *req, void *object, struct rec_errors *errors);
/* Made for oneself, from a sign-in, within one's role; changed by its owner or an administrator. */
int token_hook_guard(struct request *req, struct response *res, const void *before, const void *after);
int token_hook_insert(struct request *req, void *object);
void token_hook_created(const void *inserted, void *answer);

/* Handlers of verbs. */
handler_fn device_block, device_unblock, gateway_enrolment, person_password, sign_in_post, sign_out_post, setup_post,
    me_get, readyz_get, livez_get, configuration_get, openapi_get, problem_get;
