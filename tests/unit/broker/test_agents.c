/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "server/broker/state.h"
#include "test.h"

enum { LONG_AGO_MS = 3600 * 1000 };

/* A stream that its reader has abandoned without closing refers to its agent for as long as it likes. */
static void an_agent_outlives_its_oldest_stream(void **state)
{
    struct broker b = {0};
    pthread_mutex_init(&b.agents_lock, NULL);
    struct agent *stalled = agent_need(&b, "dev_1", AGENT_DEVICE);
    assert_ptr_equal(agent_need(&b, "dev_1", AGENT_DEVICE), stalled);
    agent_release(&b, stalled); /* the newer stream has ended */
    stalled->closed_ms = clock_boot_ms() - LONG_AGO_MS;
    agents_prune(&b);
    assert_ptr_equal(map_get(&b.agents, "dev_1"), stalled);
    agent_release(&b, stalled);
    agents_prune(&b);
    assert_null(map_get(&b.agents, "dev_1"));
    map_done(&b.agents);
    pthread_mutex_destroy(&b.agents_lock);
}

static void who_was_evicted_is_not_online(void **state)
{
    struct broker b = {0};
    pthread_mutex_init(&b.agents_lock, NULL);
    struct agent *a = agent_need(&b, "gwy_1", AGENT_GATEWAY);
    assert_true(agent_online(&b, "gwy_1"));
    agent_evict(&b, "gwy_1");
    assert_false(agent_online(&b, "gwy_1"));
    agent_release(&b, a);
    a->closed_ms = clock_boot_ms() - LONG_AGO_MS;
    agents_prune(&b);
    map_done(&b.agents);
    pthread_mutex_destroy(&b.agents_lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_outlives_its_oldest_stream),
        cmocka_unit_test(who_was_evicted_is_not_online),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
