/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of a rule: trees over context facts with three-valued results. A fact that is absent, expired or of
 * another type makes its leaf unknown, and not(unknown) is unknown, so that a missing fact never opens anything.
 * Trees and facts are plain read-only values that the caller owns.
 */
#pragma once
#include "net/addr.h"

enum policy_truth { POLICY_FALSE, POLICY_UNKNOWN, POLICY_TRUE }; /* in this order: all = min, any = max */

/* "Never": time alone changes nothing any more. */
#define POLICY_FOREVER INT64_MAX

enum policy_fact_type { FACT_BOOL, FACT_INT, FACT_TEXT, FACT_TEXTS, FACT_ADDRESS };

struct policy_fact {
    const char *name;
    enum policy_fact_type type;
    int64_t until_us; /* from this wall time on the fact counts as absent; POLICY_FOREVER = no end */
    union {
        bool boolean;
        int64_t integer;
        const char *text;
        struct net_addr address;
    };
    const char *const *texts; /* FACT_TEXTS */
    size_t n_texts;
};

/* What is known about one access, sorted by name (policy_facts_sort). */
struct policy_facts {
    const struct policy_fact *at;
    size_t n;
};

void policy_facts_sort(struct policy_fact *facts, size_t n);

enum policy_cond_op {
    COND_ALL,        /* every child; none = true */
    COND_ANY,        /* some child; none = false */
    COND_NOT,        /* the only child */
    COND_IS,         /* boolean fact == boolean */
    COND_AT_LEAST,   /* integer fact >= integer */
    COND_AT_MOST,    /* integer fact <= integer */
    COND_ONE_OF,     /* text fact is one of texts */
    COND_HAS_ANY,    /* text-list fact holds one of texts */
    COND_ADDRESS_IN, /* address fact lies in one of prefixes */
    COND_BETWEEN,    /* from_us <= now < to_us */
    COND_WEEKLY,     /* a weekly window in a fixed offset from UTC; may run across midnight and the week's end */
};

struct policy_cond {
    enum policy_cond_op op;
    const char *fact;
    bool boolean;
    int64_t integer;
    const struct policy_cond *children;
    size_t n_children;
    const char *const *texts;
    size_t n_texts;
    const struct net_prefix *prefixes;
    size_t n_prefixes;
    int64_t from_us, to_us;
    unsigned days;             /* bit 0 = Monday: days on which the window starts */
    int32_t start_s, length_s; /* seconds after local midnight; length in (0, 7 days] */
    int32_t utc_offset_s;      /* local time = UTC + offset */
};

struct policy_verdict {
    enum policy_truth truth;
    int64_t until_us; /* the truth cannot change by time alone before this instant */
};

enum { POLICY_COND_DEPTH_MAX = 16 };

/* NULL is true for ever. Trees deeper than POLICY_COND_DEPTH_MAX are unknown. */
struct policy_verdict policy_cond_eval(const struct policy_cond *cond, const struct policy_facts *facts,
                                       int64_t now_us);
