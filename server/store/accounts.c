/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/store/accounts.h"

#define REC_SELF referrer
REC_TABLE(referrer, REFERRER_FIELDS)
#undef REC_SELF
#define REC_SELF credential
REC_TABLE(credential, CREDENTIAL_FIELDS)
#undef REC_SELF
#define REC_SELF account
REC_TABLE(account, ACCOUNT_FIELDS)
#undef REC_SELF
