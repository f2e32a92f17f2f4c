/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store.h"
#include "test.h"

/* The oracle: one slot per possible item. */
enum { N_IDS = 12, N_KINDS = 2 };
struct slot {
    bool there, listed;
    int64_t until_ms;
    unsigned version;
};
static struct slot oracle[N_KINDS][N_IDS];
static const unsigned KINDS[N_KINDS] = {KIND_CLASS, KIND_GRANT};

static struct event make(unsigned k, unsigned i, enum event_type type, unsigned version, int64_t valid, int64_t at)
{
    BUF_AUTO line = {0};
    struct event e;
    buf_printf(&line, "{\"type\":\"%s\",\"at_ms\":%lld,\"kind\":\"%s\",\"id\":\"i%02u\"",
               type == EVENT_DELETED ? "deleted"
               : version & 1         ? "added"
                                     : "modified",
               (long long)at, gateway_role.kinds[KINDS[k]].name, i);
    if (type != EVENT_DELETED && KINDS[k] == KIND_CLASS)
        buf_printf(&line, ",\"item\":{\"id\":\"v%u\",\"boxes\":[]}", version);
    else if (type != EVENT_DELETED)
        buf_printf(&line,
                   ",\"item\":{\"id\":\"lea_01JD2Q8W6Z6T3V9XK4M5N7P8QR\",\"connection\":"
                   "\"con_01JD2Q8W6Z6T3V9XK4M5N7P8QR\",\"person\":\"per_01JD2Q8W6Z6T3V9XK4M5N7P8QR\",\"resource\":"
                   "\"res_01JD2Q8W6Z6T3V9XK4M5N7P8QR\",\"inner_v4\":\"v%u\",\"inner_v6\":\"::1\",\"classes\":[],"
                   "\"decision\":\"dec_01JD2Q8W6Z6T3V9XK4M5N7P8QR\",\"valid_for_ms\":%lld}",
                   version, (long long)valid);
    buf_putc(&line, '}');
    assert_int_equal(event_parse(&gateway_role, line.data, line.len, &e), 0);
    return e;
}

static const char *version_of(const struct store_item *item)
{
    return item->kind == KIND_CLASS ? ((const struct class_state *)item->record)->id
                                    : ((const struct grant_state *)item->record)->inner_v4;
}

static void compare(const struct store *s, int64_t now)
{
    int64_t next = INT64_MAX;
    for (unsigned k = 0; k < N_KINDS; k++) {
        const struct store_item *item = store_first(s, KINDS[k], now);
        for (unsigned i = 0; i < N_IDS; i++) {
            const struct slot *o = &oracle[k][i];
            char id[8], version[16];
            snprintf(id, sizeof(id), "i%02u", i);
            bool lives = o->there && o->until_ms > now;
            assert_int_equal(store_find(s, KINDS[k], id, now) != NULL, lives);
            if (!lives)
                continue;
            next = MIN(next, o->until_ms);
            snprintf(version, sizeof(version), "v%u", o->version);
            assert_non_null(item);
            assert_string_equal(item->id, id);
            assert_string_equal(version_of(item), version);
            item = store_next(s, item, now);
        }
        assert_null(item);
    }
    assert_true(store_next_end(s, now) == next);
}

static void oracle_list(bool begin)
{
    for (unsigned k = 0; k < N_KINDS; k++)
        for (unsigned i = 0; i < N_IDS; i++) {
            if (begin)
                oracle[k][i].listed = false;
            else if (!oracle[k][i].listed)
                oracle[k][i].there = false;
        }
}

static void step(struct store *s, struct test_rng *rng, unsigned version, int64_t now)
{
    unsigned k = (unsigned)test_rng_below(rng, N_KINDS), i = (unsigned)test_rng_below(rng, N_IDS);
    struct slot *o = &oracle[k][i];
    if (test_rng_below(rng, 3) == 0) {
        struct event e = make(k, i, EVENT_DELETED, version, 0, 0);
        assert_int_equal(store_apply(s, &e, now), o->there);
        event_done(&e);
        o->there = false;
        return;
    }
    int64_t valid = (int64_t)test_rng_below(rng, 200), at = (int64_t)test_rng_below(rng, 20);
    struct event e = make(k, i, EVENT_ADDED, version, valid, at);
    assert_true(store_apply(s, &e, now - 20));
    event_done(&e);
    *o = (struct slot){true, true, KINDS[k] == KIND_CLASS ? INT64_MAX : now - 20 + at + valid, version};
}

static void test_against_oracle(void **state)
{
    struct test_rng rng = test_rng_seeded("test_against_oracle");
    struct store s;
    bool listing = false;
    store_init(&s, &gateway_role);
    for (unsigned version = 1; version < 4000; version++) {
        int64_t now = 1000 + version;
        if (test_rng_below(&rng, 40) == 0) {
            listing = !listing;
            if (listing)
                store_list_begin(&s);
            else
                store_list_end(&s);
            oracle_list(listing);
        }
        step(&s, &rng, version, now);
        compare(&s, now);
    }
    store_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_oracle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
