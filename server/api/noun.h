/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Nouns of the API as data: what the one generic set of handlers (crud.h) needs to know about each. What a noun
 * wants beyond that are its hooks, in a file of its own.
 */
#pragma once
#include "server/api/problem.h"

enum { NOUN_FILTERS_MAX = 4 };
/* A statement that a noun does not have. */
#define SQL_NONE SIZE_MAX

struct noun {
    const char *kind;   /* "site": in changes, audit events and messages */
    const char *path;   /* "/api/v1/sites" */
    const char *prefix; /* of its ids */
    const struct rec *rec;
    const char *name_field; /* what people call an object by; NULL = its id */
    size_t sql_get, sql_lock, sql_list, sql_insert, sql_update, sql_delete, sql_referrers;
    const char *filters[NOUN_FILTERS_MAX + 1]; /* fields for equality, NULL-terminated; parameters of sql_list */

    const char *taken; /* what a violated uniqueness means; NULL = another has this name */

    /* Hooks, NULL = nothing to do. `object` is a struct of rec. */

    /* Before anything is written: what the fields' syntax cannot say. May set fields that the server owns. */
    void (*check)(struct request *req, void *object, struct rec_errors *errors);
    /* Inside the transaction, before the write; before or after is NULL when created or deleted. Returns 0, an error
     * of the database, or PROBLEM. */
    int (*guard)(struct request *req, struct response *res, const void *before, const void *after);
    /* Inside the transaction instead of sql_insert. */
    int (*insert)(struct request *req, void *object);
    /* After the commit of a creation: from what was inserted to what is answered, e.g. a secret shown once. */
    void (*created)(const void *inserted, void *answer);
};

extern const struct noun *const nouns[]; /* NULL-terminated */
/* The noun whose path the pattern begins with; NULL when it is none. */
const struct noun *noun_of(const char *pattern);

const char *noun_id(const struct noun *noun, const void *object);
void noun_set_id(const struct noun *noun, void *object, const char *id);
int64_t noun_revision(const struct noun *noun, const void *object);
/* For audit events: the name field's value, or the id. */
const char *noun_name(const struct noun *noun, const void *object);
