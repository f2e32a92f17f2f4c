/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reconcile against a naive oracle: random changes of the desired state, failures and crashes at any step, dead
 * engines, flushed rules. The oracle says from the plain lists below what must be in the kernel.
 */
#include "base/str.h"
#include "fake_kernel.h"
#include "gateway/reconcile.h"
#include "test.h"
#include <unistd.h>

enum { SESSIONS = 4, CLASSES = 5, CONNECTIONS = 8, GRANTS = 10, MAX_CONNECTION_AGE_MS = 60000 };

struct connection {
    char id[ID_LEN_MAX], session[ID_LEN_MAX], replaces[ID_LEN_MAX];
    int inner; /* last byte of the address */
    bool desired;
    int64_t made_ms;
};

struct grant {
    char id[ID_LEN_MAX];
    size_t connection;
    unsigned classes; /* bits */
    bool desired;
    int64_t from_ms, valid_ms;
};

static struct world {
    struct test_rng rng;
    char dir[64];
    struct fake_kernel kernel;
    struct store store;
    struct vault vault;
    struct renewals renewals;
    struct reconcile reconcile;
    struct connection connections[CONNECTIONS];
    struct grant grants[GRANTS];
    bool class_there[CLASSES];
    unsigned class_version[CLASSES];
    uint64_t counter;
    int64_t now;
    bool closed;
} w;

static unsigned pick(unsigned n)
{
    return (unsigned)test_rng_below(&w.rng, n);
}

/* Ids that sort by age, as ULIDs do. */
static void fresh_id(const char *prefix, char out[static ID_LEN_MAX])
{
    snprintf(out, ID_LEN_MAX, "%s_%026llu", prefix, (unsigned long long)++w.counter);
}

static struct net_addr v4_of(int inner)
{
    uint8_t b[4] = {100, 64, 0, (uint8_t)inner};
    return net_addr_from_v4(b);
}

static struct net_addr v6_of(int inner)
{
    uint8_t b[16] = {0xfd, [15] = (uint8_t)inner};
    return net_addr_from_v6(b);
}

static struct wg_key key_of(const char *id)
{
    struct wg_key k = {{0}};
    memcpy(k.b, id + strlen(id) - 16, 16);
    return k;
}

/* Odd classes are IPv6. */
static void class_text(unsigned c, char id[16], char prefix[32])
{
    snprintf(id, 16, "class%u.%u", c, w.class_version[c]);
    snprintf(prefix, 32, c & 1 ? "2001:db8::%x" : "10.0.0.%u", c * 16 + w.class_version[c] % 16 + 1);
}

/* Telling the store, as the stream would. */

static void tell(enum event_type type, unsigned kind, const char *id, const void *record, size_t size)
{
    struct event e = {.type = type, .kind = kind, .revision = ""};
    arena_init(&e.memory, 65536);
    e.id = arena_strdup(&e.memory, id);
    e.item = record ? arena_memdup(&e.memory, record, size) : NULL;
    store_apply(&w.store, &e, w.now);
    event_done(&e);
}

static void tell_class(unsigned c)
{
    char id[16], prefix[32];
    class_text(c, id, prefix);
    w.class_there[c] = !w.class_there[c];
    if (!w.class_there[c]) {
        tell(EVENT_DELETED, KIND_CLASS, id, NULL, 0);
        w.class_version[c]++;
        return;
    }
    struct event e = {.type = EVENT_ADDED, .kind = KIND_CLASS, .revision = ""};
    arena_init(&e.memory, 65536);
    struct box_state box = {arena_strdup(&e.memory, prefix), 6, 6, 80, 80};
    struct class_state item = {
        .id = arena_strdup(&e.memory, id), .boxes = arena_memdup(&e.memory, &box, sizeof(box)), .n_boxes = 1};
    e.id = item.id;
    e.item = arena_memdup(&e.memory, &item, sizeof(item));
    store_apply(&w.store, &e, w.now);
    event_done(&e);
}

static void new_connection(struct connection *c)
{
    int inner = (int)pick(SESSIONS) + 1;
    struct connection *old = &w.connections[pick(CONNECTIONS)];
    fresh_id("con", c->id);
    c->inner = inner;
    c->made_ms = w.now;
    c->desired = true;
    c->replaces[0] = '\0';
    if (old != c && old->desired && pick(2)) { /* a new session key */
        c->inner = old->inner;
        str_copy(c->session, sizeof(c->session), old->session);
        str_copy(c->replaces, sizeof(c->replaces), old->id);
    } else {
        fresh_id("ses", c->session);
    }
    struct vault_peer *p = xalloc(sizeof(*p));
    str_copy(p->id, sizeof(p->id), c->id);
    str_copy(p->session, sizeof(p->session), c->session);
    str_copy(p->replaces, sizeof(p->replaces), c->replaces);
    p->key = key_of(c->id);
    p->inner_v4 = v4_of(c->inner);
    p->inner_v6 = v6_of(c->inner);
    p->made_ms = w.now;
    vault_put(&w.vault, p);
    assert_int_equal(vault_save(&w.vault), 0);
    struct gateway_connection item = {0}; /* only its being there counts */
    tell(EVENT_ADDED, KIND_GATEWAY_CONNECTION, c->id, &item, sizeof(item));
}

static void drop_grant(struct grant *g)
{
    if (g->desired)
        tell(EVENT_DELETED, KIND_GRANT, g->id, NULL, 0);
    g->desired = false;
}

static void drop_connection(size_t i)
{
    for (size_t k = 0; k < GRANTS; k++)
        if (w.grants[k].connection == i)
            drop_grant(&w.grants[k]);
    tell(EVENT_DELETED, KIND_GATEWAY_CONNECTION, w.connections[i].id, NULL, 0);
    w.connections[i].desired = false;
}

static void new_grant(struct grant *g)
{
    size_t i = pick(CONNECTIONS);
    if (!w.connections[i].desired)
        return;
    drop_grant(g);
    fresh_id("lea", g->id);
    g->connection = i;
    g->classes = pick(1u << CLASSES);
    g->desired = true;
    g->from_ms = w.now;
    g->valid_ms = pick(4) ? 3600000 : (int64_t)pick(120000);
    struct event e = {.type = EVENT_ADDED, .kind = KIND_GRANT, .revision = ""};
    arena_init(&e.memory, 65536);
    struct grant_state item = {.valid_for_ms = g->valid_ms,
                               .connection = arena_strdup(&e.memory, w.connections[i].id),
                               .classes = arena_array(&e.memory, CLASSES, sizeof(char *))};
    for (unsigned c = 0; c < CLASSES; c++) {
        char id[16], prefix[32];
        class_text(c, id, prefix);
        if (!w.class_there[c])
            g->classes &= ~(1u << c);
        if (g->classes & 1u << c)
            item.classes[item.n_classes++] = arena_strdup(&e.memory, id);
    }
    e.id = arena_strdup(&e.memory, g->id);
    e.item = arena_memdup(&e.memory, &item, sizeof(item));
    store_apply(&w.store, &e, w.now);
    event_done(&e);
}

/* The oracle. */

static bool oracle_lingers(size_t i)
{
    const struct connection *old = &w.connections[i];
    for (size_t k = 0; k < CONNECTIONS; k++) {
        const struct connection *c = &w.connections[k];
        if (c->desired && str_eq(c->replaces, old->id) && str_eq(c->session, old->session) &&
            w.now - c->made_ms < MAX_CONNECTION_AGE_MS)
            return true;
    }
    return false;
}

static bool candidate(size_t i)
{
    const struct connection *c = &w.connections[i];
    return *c->id && vault_find(&w.vault, c->id) && (c->desired || oracle_lingers(i));
}

/* Of another session than the newest connection with this address. */
static bool out_of_date(size_t i)
{
    size_t newest = i;
    for (size_t k = 0; k < CONNECTIONS; k++)
        if (candidate(k) && w.connections[k].inner == w.connections[i].inner &&
            strcmp(w.connections[k].id, w.connections[newest].id) > 0)
            newest = k;
    return !str_eq(w.connections[newest].session, w.connections[i].session);
}

static bool shook(const struct wg_device *before, size_t i)
{
    struct wg_key key = key_of(w.connections[i].id);
    const struct wg_peer *p = wg_device_find(before, &key);
    return p && p->last_handshake_us;
}

static bool held(const struct wg_device *before, size_t i)
{
    struct wg_key key = key_of(w.connections[i].id);
    const struct wg_peer *p = wg_device_find(before, &key);
    return p && p->n_allowed > 0;
}

/* Is k a better owner of their address than i? */
static bool better(const struct wg_device *before, size_t k, size_t i)
{
    bool newer = strcmp(w.connections[k].id, w.connections[i].id) > 0;
    if (shook(before, k) != shook(before, i))
        return shook(before, k);
    if (shook(before, k))
        return newer;
    if (held(before, k) != held(before, i))
        return held(before, k);
    return newer;
}

static enum peer_place oracle_place(const struct wg_device *before, size_t i)
{
    size_t owner = i;
    if (!candidate(i) || out_of_date(i))
        return PEER_GONE;
    for (size_t k = 0; k < CONNECTIONS; k++)
        if (k != i && candidate(k) && w.connections[k].inner == w.connections[i].inner &&
            str_eq(w.connections[k].session, w.connections[i].session) && better(before, k, owner))
            owner = k;
    if (owner == i)
        return PEER_OWNER;
    return strcmp(w.connections[i].id, w.connections[owner].id) > 0 ? PEER_WAITING : PEER_GONE;
}

static uint32_t mark_of(unsigned c)
{
    char id[16], text[32];
    struct net_prefix prefix;
    class_text(c, id, text);
    assert_int_equal(net_prefix_parse(text, &prefix), 0);
    for (size_t i = 0; i < w.kernel.n_classes; i++)
        if (net_prefix_eq(w.kernel.classes[i].box.prefix, prefix))
            return w.kernel.classes[i].mark;
    return 0;
}

/* Until when the class shall be open for an address; 0 = closed. */
static int64_t oracle_until(const struct wg_device *before, int inner, unsigned c)
{
    int64_t until = 0;
    for (size_t k = 0; k < GRANTS && !w.closed; k++) {
        const struct grant *g = &w.grants[k];
        const struct connection *con = &w.connections[g->connection];
        if (!g->desired || !con->desired || con->inner != inner || !(g->classes & 1u << c) || !w.class_there[c] ||
            oracle_place(before, g->connection) == PEER_GONE)
            continue;
        int64_t renewed = MAX(g->from_ms, w.renewals.at_ms) + RENEWAL_SPAN_MS;
        until = MAX(until, MIN(g->from_ms + g->valid_ms, renewed));
    }
    return until > w.now ? until : 0;
}

static void compare_grants(const struct wg_device *before)
{
    size_t n = 0;
    for (int inner = 1; inner <= SESSIONS; inner++)
        for (unsigned c = 0; c < CLASSES; c++) {
            int64_t until = oracle_until(before, inner, c);
            uint32_t mark = mark_of(c);
            const struct plan_grant *g = fake_find(&w.kernel, c & 1 ? v6_of(inner) : v4_of(inner), mark);
            assert_int_equal(g != NULL, until != 0);
            if (!g)
                continue;
            n++;
            assert_true(g->until_ms <= until + PLAN_EARLIER_MS);
            assert_true(g->until_ms > until - PLAN_LATER_MS);
            assert_true(g->until_ms >= MIN(until, w.now + PLAN_NEAR_MS));
        }
    assert_int_equal(n, w.kernel.n_grants);
}

static void compare_peers(const struct wg_device *before)
{
    size_t n = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct wg_key key = key_of(*w.connections[i].id ? w.connections[i].id : "none____________");
        const struct wg_peer *p = wg_device_find(&w.kernel.device, &key);
        enum peer_place place = oracle_place(before, i);
        assert_int_equal(p != NULL, place != PEER_GONE);
        if (!p)
            continue;
        n++;
        assert_int_equal(p->n_allowed, place == PEER_OWNER ? 2 : 0);
    }
    assert_int_equal(n, w.kernel.device.n_peers);
}

/* Peers change only after everything that must close has closed. */
static void on_device(struct fake_kernel *k, const struct wg_device *desired)
{
    for (int inner = 1; inner <= SESSIONS; inner++)
        for (unsigned c = 0; c < CLASSES; c++) {
            struct net_addr a = c & 1 ? v6_of(inner) : v4_of(inner);
            bool open = false;
            for (size_t g = 0; g < GRANTS && !w.closed; g++)
                open |= w.grants[g].desired && w.connections[w.grants[g].connection].inner == inner &&
                        (w.grants[g].classes & 1u << c) != 0 && w.class_there[c];
            if (fake_find(k, a, mark_of(c)))
                assert_true(open);
        }
}

/* Random life. */

static void start_agent(void)
{
    bool fresh;
    assert_int_equal(vault_open(&w.vault, w.dir, &fresh), 0);
    int64_t renewed = w.renewals.at_ms;
    renewals_init(&w.renewals, &w.vault, NULL, "gwy");
    w.renewals.at_ms = renewed;
    reconcile_init(&w.reconcile, &fake_ops, &w.kernel, &w.vault, &w.renewals, 51820);
}

static void stop_agent(void)
{
    reconcile_done(&w.reconcile);
    vault_close(&w.vault);
}

static void change_something(void)
{
    size_t i = pick(CONNECTIONS);
    switch (pick(9)) {
    case 0:
    case 1:
        if (!w.connections[i].desired && !oracle_lingers(i))
            new_connection(&w.connections[i]);
        break;
    case 2:
        if (w.connections[i].desired)
            drop_connection(i);
        break;
    case 3:
    case 4:
    case 5:
        new_grant(&w.grants[pick(GRANTS)]);
        break;
    case 6:
        drop_grant(&w.grants[pick(GRANTS)]);
        break;
    case 7: {
        unsigned c = pick(CLASSES);
        if (w.class_there[c])
            for (size_t k = 0; k < GRANTS; k++)
                w.grants[k].classes &= ~(1u << c);
        tell_class(c);
        break;
    }
    default:
        w.renewals.at_ms = MAX(w.renewals.at_ms, w.now);
    }
}

static void accident(void)
{
    switch (pick(6)) {
    case 0: /* the agent dies and comes back */
        stop_agent();
        start_agent();
        break;
    case 1:
        fake_flush(&w.kernel);
        reconcile_distrust(&w.reconcile); /* what the real kernel's -ENOENT leads to */
        break;
    case 2:
        fake_kill_engine(&w.kernel);
        break;
    case 3:
        if (w.kernel.device.n_peers)
            w.kernel.device.peers[pick((unsigned)w.kernel.device.n_peers)].last_handshake_us = 1;
        break;
    case 4:
        w.closed = pick(4) == 0;
        break;
    default:
        w.now += pick(40000);
        fake_tick(&w.kernel, w.now);
    }
}

/* Whatever else cannot be done: what must close does. */
static void trouble(void)
{
    w.kernel.fail_in = -1;
    w.kernel.fail_classes = true;
    if (pick(2) == 0) {
        assert_int_equal(reconcile_shrink(&w.reconcile, &w.store, w.now, w.closed), 0);
        on_device(&w.kernel, NULL);
    } else if (reconcile_run(&w.reconcile, &w.store, w.now, w.closed)) {
        on_device(&w.kernel, NULL);
    }
    w.kernel.fail_classes = false;
}

static void snapshot(struct wg_device *before)
{
    wg_device_done(before);
    w.kernel.fail_in = -1;
    assert_int_equal(fake_ops.get_device(&w.kernel, before), 0);
}

static void pass(void)
{
    struct wg_device before = {0};
    if (pick(4) == 0)
        trouble();
    if (pick(3) == 0) {
        w.kernel.fail_in = pick(8);
        if (reconcile_run(&w.reconcile, &w.store, w.now, w.closed) && pick(2)) {
            stop_agent();
            start_agent();
        }
    }
    /* A pass decides grants by the engine as it found it; a second one sees what the first has made. */
    for (int i = 0; i < 2; i++) {
        snapshot(&before);
        assert_int_equal(reconcile_run(&w.reconcile, &w.store, w.now, w.closed), 0);
    }
    compare_peers(&before);
    compare_grants(&before);
    wg_device_done(&before);
    if (pick(3) == 0) {
        reconcile_prune(&w.reconcile, &w.store, w.now);
        assert_int_equal(vault_save(&w.vault), 0);
    }
}

static void test_A4_L1_converges_after_any_crash(void **state)
{
    char path[96];
    w.rng = test_rng_seeded("test_A4_L1_converges_after_any_crash");
    w.now = 1000000;
    w.renewals.at_ms = INT64_MIN;
    w.kernel.on_device = on_device;
    snprintf(w.dir, sizeof(w.dir), "/tmp/postern-reconcile-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    store_init(&w.store, &gateway_role);
    fake_tick(&w.kernel, w.now);
    start_agent();
    for (int round = 0; round < 1500; round++) {
        for (unsigned n = pick(4); n; n--)
            change_something();
        if (pick(2))
            accident();
        pass();
    }
    stop_agent();
    store_done(&w.store);
    fake_kill_engine(&w.kernel);
    snprintf(path, sizeof(path), "%s/vault.sealed", w.dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/seal.key", w.dir);
    unlink(path);
    rmdir(w.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_A4_L1_converges_after_any_crash)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
