/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/condition.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)
#define WEEK_US   (7 * DAY_US)

static int fact_compare(const void *x, const void *y)
{
    return strcmp(((const struct policy_fact *)x)->name, ((const struct policy_fact *)y)->name);
}

void policy_facts_sort(struct policy_fact *facts, size_t n)
{
    if (n)
        qsort(facts, n, sizeof(*facts), fact_compare);
}

static const struct policy_fact *fact_find(const struct policy_facts *facts, const char *name)
{
    if (!facts || !facts->n || !name)
        return NULL;
    struct policy_fact key = {.name = name};
    return bsearch(&key, facts->at, facts->n, sizeof(*facts->at), fact_compare);
}

static struct policy_verdict verdict(bool yes, int64_t until_us)
{
    return (struct policy_verdict){yes ? POLICY_TRUE : POLICY_FALSE, until_us};
}

static bool text_in(const char *text, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(text, texts[i]))
            return true;
    return false;
}

static bool any_text_in(const struct policy_fact *fact, const struct policy_cond *cond)
{
    for (size_t i = 0; i < fact->n_texts; i++)
        if (text_in(fact->texts[i], cond->texts, cond->n_texts))
            return true;
    return false;
}

static bool address_in(const struct policy_cond *cond, struct net_addr address)
{
    for (size_t i = 0; i < cond->n_prefixes; i++)
        if (net_prefix_contains(cond->prefixes[i], address))
            return true;
    return false;
}

/* Whether the fact satisfies the leaf; its type is already the leaf's. */
static bool leaf_holds(const struct policy_cond *cond, const struct policy_fact *fact)
{
    switch (cond->op) {
    case COND_IS:
        return fact->boolean == cond->boolean;
    case COND_AT_LEAST:
        return fact->integer >= cond->integer;
    case COND_AT_MOST:
        return fact->integer <= cond->integer;
    case COND_ONE_OF:
        return fact->text && text_in(fact->text, cond->texts, cond->n_texts);
    case COND_HAS_ANY:
        return any_text_in(fact, cond);
    case COND_ADDRESS_IN:
        return address_in(cond, fact->address);
    default:
        return false;
    }
}

static enum policy_fact_type leaf_type(enum policy_cond_op op)
{
    switch (op) {
    case COND_IS:
        return FACT_BOOL;
    case COND_ONE_OF:
        return FACT_TEXT;
    case COND_HAS_ANY:
        return FACT_TEXTS;
    case COND_ADDRESS_IN:
        return FACT_ADDRESS;
    default:
        return FACT_INT;
    }
}

static struct policy_verdict eval_fact(const struct policy_cond *cond, const struct policy_facts *facts, int64_t now_us)
{
    const struct policy_fact *fact = fact_find(facts, cond->fact);
    if (!fact || now_us >= fact->until_us)
        return (struct policy_verdict){POLICY_UNKNOWN, POLICY_FOREVER};
    if (fact->type != leaf_type(cond->op))
        return (struct policy_verdict){POLICY_UNKNOWN, POLICY_FOREVER};
    return verdict(leaf_holds(cond, fact), fact->until_us);
}

static struct policy_verdict eval_between(const struct policy_cond *cond, int64_t now_us)
{
    if (now_us < cond->from_us)
        return verdict(false, cond->from_us < cond->to_us ? cond->from_us : POLICY_FOREVER);
    if (now_us < cond->to_us)
        return verdict(true, cond->to_us);
    return verdict(false, POLICY_FOREVER);
}

/* Microseconds since Monday 00:00 local time, in [0, WEEK_US). 1970-01-01 was a Thursday. */
static int64_t week_position(int64_t now_us, int32_t utc_offset_s)
{
    int64_t local = now_us % WEEK_US + utc_offset_s * SECOND_US + 3 * DAY_US;
    return (local % WEEK_US + WEEK_US) % WEEK_US;
}

static struct policy_verdict eval_weekly(const struct policy_cond *cond, int64_t now_us)
{
    int64_t position = week_position(now_us, cond->utc_offset_s), length = cond->length_s * SECOND_US;
    int64_t open_left = 0, next_start = WEEK_US;
    if (!(cond->days & 0x7f) || length <= 0)
        return verdict(false, POLICY_FOREVER);
    for (int day = 0; day < 7; day++) {
        if (!(cond->days >> day & 1))
            continue;
        int64_t start = (day * DAY_US + cond->start_s * SECOND_US) % WEEK_US;
        int64_t since = (position - start + WEEK_US) % WEEK_US; /* since this window last started */
        if (since < length)
            open_left = MAX(open_left, length - since);
        next_start = MIN(next_start, WEEK_US - since);
    }
    int64_t left = open_left ? open_left : next_start;
    return verdict(open_left > 0, now_us > POLICY_FOREVER - left ? POLICY_FOREVER : now_us + left);
}

static struct policy_verdict eval_depth(const struct policy_cond *cond, const struct policy_facts *facts,
                                        int64_t now_us, unsigned depth);

/*
 * all = least child, any = greatest. One child at the deciding extreme holds the result whatever the others do, so
 * the result lasts as long as the longest such child; otherwise until the first child may change.
 */
static struct policy_verdict eval_children(const struct policy_cond *cond, const struct policy_facts *facts,
                                           int64_t now_us, unsigned depth)
{
    enum policy_truth extreme = cond->op == COND_ALL ? POLICY_FALSE : POLICY_TRUE;
    enum policy_truth least = POLICY_TRUE, greatest = POLICY_FALSE;
    int64_t first_change = POLICY_FOREVER, extreme_until = INT64_MIN;
    for (size_t i = 0; i < cond->n_children; i++) {
        struct policy_verdict v = eval_depth(&cond->children[i], facts, now_us, depth + 1);
        least = MIN(least, v.truth);
        greatest = MAX(greatest, v.truth);
        first_change = MIN(first_change, v.until_us);
        if (v.truth == extreme)
            extreme_until = MAX(extreme_until, v.until_us);
    }
    enum policy_truth truth = cond->op == COND_ALL ? least : greatest;
    if (cond->n_children && truth == extreme)
        return (struct policy_verdict){truth, extreme_until};
    return (struct policy_verdict){truth, first_change};
}

static struct policy_verdict eval_not(const struct policy_cond *cond, const struct policy_facts *facts, int64_t now_us,
                                      unsigned depth)
{
    if (cond->n_children != 1)
        return (struct policy_verdict){POLICY_UNKNOWN, POLICY_FOREVER};
    struct policy_verdict v = eval_depth(&cond->children[0], facts, now_us, depth + 1);
    v.truth = POLICY_TRUE - v.truth;
    return v;
}

static struct policy_verdict eval_depth(const struct policy_cond *cond, const struct policy_facts *facts,
                                        int64_t now_us, unsigned depth)
{
    if (depth >= POLICY_COND_DEPTH_MAX)
        return (struct policy_verdict){POLICY_UNKNOWN, POLICY_FOREVER};
    switch (cond->op) {
    case COND_ALL:
    case COND_ANY:
        return eval_children(cond, facts, now_us, depth);
    case COND_NOT:
        return eval_not(cond, facts, now_us, depth);
    case COND_BETWEEN:
        return eval_between(cond, now_us);
    case COND_WEEKLY:
        return eval_weekly(cond, now_us);
    default:
        return eval_fact(cond, facts, now_us);
    }
}

struct policy_verdict policy_cond_eval(const struct policy_cond *cond, const struct policy_facts *facts, int64_t now_us)
{
    if (!cond)
        return (struct policy_verdict){POLICY_TRUE, POLICY_FOREVER};
    return eval_depth(cond, facts, now_us, 0);
}
