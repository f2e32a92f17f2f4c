/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "client/tunnel.h"
#include "test.h"
#include <stdio.h>

enum { SITES = 2, CONNECTIONS = 256 };

/* posternd and gateways, naively: connections that live, fail or vanish; one key per gateway peer, ever. */
struct world {
    struct tunnel t;
    int64_t now_ms;
    struct client_connection connections[CONNECTIONS];
    char ids[CONNECTIONS][ID_LEN_MAX];
    uint8_t key_of[CONNECTIONS]; /* session key under which it was asked for */
    bool alive[CONNECTIONS];
    size_t n;
    const char *resources[SITES][2];
    size_t n_resources[SITES]; /* 0 = the site is not wanted */
    uint8_t keys;              /* made so far */
    size_t asked;
};

static const char *const site_ids[SITES] = {"sit_A", "sit_B"};

static size_t view_of(struct world *w, struct tunnel_view *v, struct tunnel_wish *wishes,
                      const struct client_connection **connections)
{
    *v = (struct tunnel_view){.now_ms = w->now_ms, .wishes = wishes, .connections = connections};
    for (size_t i = 0; i < SITES; i++)
        if (w->n_resources[i])
            wishes[v->n_wishes++] = (struct tunnel_wish){site_ids[i], w->resources[i], w->n_resources[i]};
    for (size_t i = 0; i < w->n; i++)
        if (w->alive[i])
            connections[v->n_connections++] = &w->connections[i];
    return v->n_wishes;
}

static size_t number_of(const struct world *w, const char *id)
{
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->ids[i], id))
            return i;
    fail_msg("no connection %s", id);
    return 0;
}

/* A connection opens what was wished for when it was asked. */
static void ask(struct world *w, const struct tunnel_todo *todo, bool fails)
{
    bool next = todo->attempt == &todo->site->next;
    w->asked++;
    if (fails) {
        tunnel_asked(&w->t, todo->site->id, next, NULL, "refused", w->now_ms);
        return;
    }
    size_t i = w->n++;
    assert_true(w->n <= CONNECTIONS);
    snprintf(w->ids[i], sizeof(w->ids[i]), "con_%03zu", i);
    w->connections[i] =
        (struct client_connection){.id = w->ids[i],
                                   .site = str_eq(todo->site->id, site_ids[0]) ? site_ids[0] : site_ids[1],
                                   .phase = CONNECTION_PENDING,
                                   .resources = w->resources[str_eq(todo->site->id, site_ids[1])],
                                   .n_resources = todo->wish->n_resources};
    w->alive[i] = true;
    w->key_of[i] = todo->key->b[0];
    tunnel_asked(&w->t, todo->site->id, next, w->ids[i], NULL, w->now_ms);
}

/* Works until there is nothing left to do now. */
static void look(struct world *w, struct test_rng *rng)
{
    struct tunnel_view v;
    struct tunnel_wish wishes[SITES];
    const struct client_connection *connections[CONNECTIONS];
    for (int i = 0; i < 100; i++) {
        view_of(w, &v, wishes, connections);
        struct tunnel_todo todo = tunnel_look(&w->t, &v);
        if (todo.step == TUNNEL_IDLE)
            return;
        if (todo.step == TUNNEL_KEY)
            tunnel_new_key(&w->t, &(struct wg_key){.b = {++w->keys}}, w->now_ms);
        if (todo.step == TUNNEL_ASK)
            ask(w, &todo, rng && test_rng_below(rng, 4) == 0);
        if (todo.step == TUNNEL_FINISH) {
            todo.attempt->pair.psk.b[0] = w->key_of[number_of(w, todo.connection->id)];
            tunnel_finished(&w->t, &todo, rng && test_rng_below(rng, 8) == 0 ? "forged" : NULL, w->now_ms);
        }
    }
    fail_msg("it does not come to rest");
}

static void answer_all(struct world *w)
{
    for (size_t i = 0; i < w->n; i++)
        w->connections[i].phase = CONNECTION_READY;
}

static struct world begin(size_t n_sites)
{
    struct world w = {.now_ms = 1000};
    for (size_t i = 0; i < n_sites; i++) {
        w.resources[i][0] = "res_1";
        w.resources[i][1] = "res_2";
        w.n_resources[i] = 1;
    }
    return w;
}

static void test_one_connection_per_site(void **state)
{
    struct world w = begin(SITES);
    look(&w, NULL);
    assert_int_equal(w.asked, 2);
    assert_false(tunnel_settled(&w.t));
    answer_all(&w);
    look(&w, NULL);
    assert_true(tunnel_settled(&w.t));
    assert_int_equal(w.keys, 1);
    tunnel_done(&w.t);
}

static void test_silent_gateway_is_asked_again_later(void **state)
{
    struct world w = begin(1);
    look(&w, NULL);
    w.now_ms += TUNNEL_ANSWER_MS - 1;
    look(&w, NULL);
    assert_int_equal(w.asked, 1);
    w.now_ms += 1;
    look(&w, NULL);
    assert_string_equal(w.t.sites[0]->reason, "The gateway does not answer.");
    assert_int_equal(w.asked, 1);
    assert_int_equal(tunnel_next_ms(&w.t, w.now_ms), w.now_ms + TUNNEL_RETRY_BASE_MS);
    w.now_ms += TUNNEL_RETRY_BASE_MS;
    look(&w, NULL);
    assert_int_equal(w.asked, 2);
    tunnel_done(&w.t);
}

static void test_key_is_replaced_before_an_hour_and_all_change_at_once(void **state)
{
    struct world w = begin(SITES);
    look(&w, NULL);
    answer_all(&w);
    look(&w, NULL);
    assert_int_equal(tunnel_next_ms(&w.t, w.now_ms), 1000 + TUNNEL_KEY_MS);
    w.now_ms += TUNNEL_KEY_MS;
    look(&w, NULL);
    assert_int_equal(w.keys, 2);
    assert_int_equal(w.asked, 4);
    assert_int_equal(w.t.key.b[0], 1);
    w.connections[2].phase = CONNECTION_READY; /* one of two: nothing changes over yet */
    look(&w, NULL);
    assert_int_equal(w.t.key.b[0], 1);
    answer_all(&w);
    look(&w, NULL);
    assert_int_equal(w.t.key.b[0], 2);
    assert_true(tunnel_settled(&w.t));
    assert_int_equal(w.t.sites[0]->now.pair.psk.b[0], 2);
    tunnel_done(&w.t);
}

static void test_more_resources_take_a_new_connection(void **state)
{
    struct world w = begin(1);
    look(&w, NULL);
    answer_all(&w);
    look(&w, NULL);
    w.n_resources[0] = 2;
    look(&w, NULL);
    assert_int_equal(w.asked, 2);
    assert_true(w.t.rotating);
    answer_all(&w);
    look(&w, NULL);
    assert_int_equal(w.t.key.b[0], 2);
    assert_string_equal(w.t.sites[0]->now.connection, "con_001");
    tunnel_done(&w.t);
}

static void test_a_connection_that_ends_takes_its_keys(void **state)
{
    struct world w = begin(1);
    look(&w, NULL);
    answer_all(&w);
    look(&w, NULL);
    w.alive[0] = false;
    look(&w, NULL);
    assert_int_not_equal(w.t.sites[0]->now.state, ATTEMPT_READY);
    w.n_resources[0] = 0;
    look(&w, NULL);
    assert_int_equal(w.t.n_sites, 0);
    tunnel_done(&w.t);
}

/* Never READY without a living connection; all that are up were asked for under the key that is in force. */
static void check(const struct world *w)
{
    for (size_t i = 0; i < w->t.n_sites; i++) {
        const struct attempt *a = &w->t.sites[i]->now;
        if (a->state != ATTEMPT_READY)
            continue;
        size_t c = number_of(w, a->connection);
        assert_true(w->alive[c] && w->connections[c].phase == CONNECTION_READY);
        assert_int_equal(w->key_of[c], w->t.key.b[0]);
    }
    assert_true(!w->t.rotating || w->now_ms - w->t.rotating_since_ms < TUNNEL_ROTATE_MS);
}

static void disturb(struct world *w, struct test_rng *rng)
{
    size_t i = w->n ? test_rng_below(rng, w->n) : 0;
    switch (test_rng_below(rng, 6)) {
    case 0:
        w->now_ms += (int64_t)test_rng_below(rng, 20000);
        break;
    case 1:
        w->now_ms += (int64_t)test_rng_below(rng, TUNNEL_KEY_MS);
        break;
    case 2:
        w->alive[i] = false;
        break;
    case 3:
        w->connections[i].phase = (int)test_rng_below(rng, 3);
        break;
    case 4:
        answer_all(w);
        break;
    default:
        w->n_resources[test_rng_below(rng, SITES)] = test_rng_below(rng, 3);
    }
}

static void test_any_order_of_events_converges(void **state)
{
    struct test_rng rng = test_rng_seeded(__func__);
    for (int round = 0; round < 300; round++) {
        struct world w = begin(SITES);
        for (int i = 0; i < 60; i++) {
            disturb(&w, &rng);
            look(&w, &rng);
            check(&w);
        }
        /* Everybody answers from now on. */
        for (int i = 0; i < 20; i++) {
            answer_all(&w);
            look(&w, NULL);
            w.now_ms = MIN(tunnel_next_ms(&w.t, w.now_ms), w.now_ms + 60000);
        }
        for (int i = 0; i < 4; i++) { /* time stands still: whatever has just begun ends */
            answer_all(&w);
            look(&w, NULL);
        }
        check(&w);
        assert_true(tunnel_settled(&w.t));
        tunnel_done(&w.t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection_per_site),
        cmocka_unit_test(test_silent_gateway_is_asked_again_later),
        cmocka_unit_test(test_key_is_replaced_before_an_hour_and_all_change_at_once),
        cmocka_unit_test(test_more_resources_take_a_new_connection),
        cmocka_unit_test(test_a_connection_that_ends_takes_its_keys),
        cmocka_unit_test(test_any_order_of_events_converges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
