/* SPDX-License-Identifier: Apache-2.0 */
#include "record/sample.h"
#include "test.h"

static const char *schema(const struct rec *r, enum rec_mode mode)
{
    static struct buf out;
    struct rec_errors errors = {0};
    buf_reset(&out);
    rec_schema(r, mode, &out);
    assert_int_equal(json_check(out.data, out.len, 10000, &errors), 0);
    return buf_str(&out);
}

static void test_small_record_exactly(void **state)
{
    assert_string_equal(
        schema(&sample_range_rec, REC_CREATE),
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"first\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535,\"description\":\"First port\"},"
        "\"last\":{\"type\":[\"integer\",\"null\"],\"minimum\":1,\"maximum\":65535,"
        "\"description\":\"Last port\"}},\"required\":[\"first\"]}");
}

static void has(const char *text, const char *part, bool wanted)
{
    if (!strstr(text, part) == wanted)
        fail_msg("%s%s in %s", wanted ? "no " : "", part, text);
}

static void test_modes(void **state)
{
    const char *s = schema(&sample_rec, REC_STRICT);
    has(s, "\"id\":{\"type\":[\"string\",\"null\"],\"maxLength\":31,\"pattern\":\"^[a-z]{2,4}_", true);
    has(s, "\"readOnly\":true", true);
    has(s, "\"at\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\",", true);
    has(s, "\"enum\":[\"red\",\"green\",\"blue\"]", true);
    has(s, "\"contentEncoding\":\"base64\",\"minLength\":4,\"maxLength\":12", true);
    has(s, "\"required\":[\"id\",\"name\",\"note\",\"count\",", true);
    s = schema(&sample_rec, REC_CREATE);
    has(s, "\"id\":", false);
    has(s, "\"required\":[\"name\"]", true);
    has(s, "\"writeOnly\":true", true);
    has(s, "\"default\":true", true);
    has(s, "\"maxItems\":4,\"items\":{\"type\":\"string\",\"format\":\"cidr\"}", true);
    s = schema(&sample_rec, REC_PATCH);
    has(s, "\"site_id\"", false);
    has(s, "\"required\":[]}", true);
    s = schema(&sample_rec, REC_AGENT);
    has(s, "\"additionalProperties\":true", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_record_exactly),
        cmocka_unit_test(test_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
