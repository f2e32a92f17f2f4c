/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

static const char answer_text[] = "private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a\n"
                                  "listen_port=12912\n"
                                  "fwmark=51820\n"
                                  "public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33\n"
                                  "preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52\n"
                                  "protocol_version=1\n"
                                  "endpoint=[abcd:23::33%2]:51820\n"
                                  "last_handshake_time_sec=1700000000\n"
                                  "last_handshake_time_nsec=500000999\n"
                                  "tx_bytes=38333\n"
                                  "rx_bytes=2224\n"
                                  "persistent_keepalive_interval=111\n"
                                  "allowed_ip=192.168.4.4/32\n"
                                  "allowed_ip=10.0.0.0/8\n"
                                  "public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376\n"
                                  "protocol_version=1\n"
                                  "errno=0\n\n";

static void test_parses_a_whole_answer(void **state)
{
    struct wg_device d;
    assert_int_equal(uapi_parse(answer_text, strlen(answer_text), &d), 0);
    assert_int_equal(d.listen_port, 12912);
    assert_int_equal(d.fwmark, 51820);
    assert_int_equal(d.private_key.b[0], 0xe8);
    assert_int_equal(d.n_peers, 2);
    assert_int_equal(d.peers[0].public_key.b[0], 0x58); /* sorted */
    const struct wg_peer *p = &d.peers[1];
    char text[NET_ENDPOINT_TEXT];
    net_endpoint_format(p->endpoint, text);
    assert_string_equal(text, "[abcd:23::33]:51820");
    assert_int_equal(p->last_handshake_us, 1700000000500000);
    assert_int_equal(p->tx_bytes, 38333);
    assert_int_equal(p->rx_bytes, 2224);
    assert_int_equal(p->keepalive_s, 111);
    assert_int_equal(p->n_allowed, 2);
    assert_int_equal(net_prefix_len(p->allowed[0]), 8);
    wg_device_done(&d);
}

static void test_refuses_what_the_protocol_does_not_say(void **state)
{
    static const char key[] = "public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376\n";
    static const char *const bad[] = {
        "",
        "\n",
        "errno=0",
        "errno=0\n",
        "errno=\n\n",
        "errno=0\n\n\n",
        "errno=0\nerrno=0\n\n",
        "errno=99999\n\n",
        "listen_port=1\nlisten_port=1\nerrno=0\n\n",
        "listen_port=65536\nerrno=0\n\n",
        "listen_port=-1\nerrno=0\n\n",
        "private_key=00\nerrno=0\n\n",
        "endpoint=1.2.3.4:5\nerrno=0\n\n",
        "Listen_port=1\nerrno=0\n\n",
        "something=1\nerrno=0\n\n",
        "=1\nerrno=0\n\n",
        "listen_port\nerrno=0\n\n",
        "listen_port=1\n\n",
    };
    struct wg_device d;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(uapi_parse(bad[i], strlen(bad[i]), &d), -EBADMSG);
    static const char *const bad_peer[] = {"listen_port=1\n",
                                           "allowed_ip=10.0.0.1/8\n",
                                           "protocol_version=2\n",
                                           "rx_bytes=1\nrx_bytes=1\n",
                                           "last_handshake_time_nsec=1000000000\n",
                                           "endpoint=1.2.3.4:0\n",
                                           key};
    for (size_t i = 0; i < ARRAY_LEN(bad_peer); i++) {
        BUF_AUTO text = {0};
        buf_printf(&text, "%s%serrno=0\n\n", key, bad_peer[i]);
        assert_int_equal(uapi_parse(buf_str(&text), text.len, &d), -EBADMSG);
    }
    assert_int_equal(uapi_parse("errno=0\0\n\n", 10, &d), -EBADMSG);
}

static void test_gives_the_engines_own_error(void **state)
{
    struct wg_device d;
    assert_int_equal(uapi_parse("errno=22\n\n", 10, &d), -EINVAL);
    assert_int_equal(uapi_parse("errno=-22\n\n", 11, &d), -EINVAL);
}

static void test_cut_anywhere_is_refused(void **state)
{
    struct wg_device d;
    for (size_t n = 0; n < strlen(answer_text); n++)
        assert_int_equal(uapi_parse(answer_text, n, &d), -EBADMSG);
}

static struct wg_device one_peer(const char *prefix)
{
    struct wg_device d = {0};
    struct wg_peer *p = wg_device_peer(&d, &(struct wg_key){.b = {1}});
    struct net_prefix allowed;
    assert_int_equal(net_prefix_parse(prefix, &allowed), 0);
    wg_peer_allow(p, allowed);
    return d;
}

static void test_diff_of_equal_devices_is_empty(void **state)
{
    struct wg_device a = one_peer("10.0.0.0/8"), b = one_peer("10.0.0.0/8");
    UAPI_TEXT set = {0};
    assert_int_equal(uapi_diff(&a, &b, &set), 0);
    assert_int_equal(set.len, 0);
    wg_device_done(&a);
    wg_device_done(&b);
}

static void test_diff_touches_only_what_differs(void **state)
{
    struct wg_device a = one_peer("10.0.0.0/8"), b = one_peer("10.0.0.0/8");
    b.peers[0].keepalive_s = 25;
    UAPI_TEXT set = {0};
    assert_int_equal(uapi_diff(&a, &b, &set), 0);
    assert_string_equal(buf_str(&set),
                        "set=1\npublic_key=0100000000000000000000000000000000000000000000000000000000000000\n"
                        "update_only=true\npersistent_keepalive_interval=25\n\n");
    wg_device_done(&a);
    wg_device_done(&b);
}

static void test_diff_refuses_a_prefix_given_twice(void **state)
{
    struct wg_device none = {0}, d = one_peer("10.0.0.0/8");
    struct wg_peer *p = wg_device_peer(&d, &(struct wg_key){.b = {2}});
    wg_peer_allow(p, wg_device_find(&d, &(struct wg_key){.b = {1}})->allowed[0]);
    UAPI_TEXT set = {0};
    assert_int_equal(uapi_diff(&none, &d, &set), -EEXIST);
    assert_int_equal(set.len, 0);
    wg_device_done(&d);
}

/* Any device to any other: the text of the difference, played to a model of an engine, gives what was desired. */
static void test_diff_against_a_model_engine(void **state)
{
    struct test_rng rng = test_rng_seeded(__func__);
    struct wg_device actual = {0};
    for (int i = 0; i < 3000; i++) {
        struct wg_device desired = {0};
        model_random(&desired, &rng);
        UAPI_TEXT set = {0};
        assert_int_equal(uapi_diff(&actual, &desired, &set), 0);
        if (set.len > 0)
            assert_int_equal(model_set(&actual, buf_str(&set)), 0);
        model_assert_equal(&actual, &desired);
        wg_device_done(&desired);
    }
    wg_device_done(&actual);
}

/* What the model says about itself is parsed back into the same. */
static void test_parse_against_a_model_engine(void **state)
{
    struct test_rng rng = test_rng_seeded(__func__);
    for (int i = 0; i < 1000; i++) {
        struct wg_device d = {0}, back;
        model_random(&d, &rng);
        UAPI_TEXT text = {0};
        model_get(&d, &text);
        assert_int_equal(uapi_parse(buf_str(&text), text.len, &back), 0);
        model_assert_equal(&back, &d);
        wg_device_done(&back);
        wg_device_done(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parses_a_whole_answer),
        cmocka_unit_test(test_refuses_what_the_protocol_does_not_say),
        cmocka_unit_test(test_gives_the_engines_own_error),
        cmocka_unit_test(test_cut_anywhere_is_refused),
        cmocka_unit_test(test_diff_of_equal_devices_is_empty),
        cmocka_unit_test(test_diff_touches_only_what_differs),
        cmocka_unit_test(test_diff_refuses_a_prefix_given_twice),
        cmocka_unit_test(test_diff_against_a_model_engine),
        cmocka_unit_test(test_parse_against_a_model_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
