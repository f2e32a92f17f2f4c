/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"
#include "cli/yaml.h"
#include "record/json.h"
#include "record/walk.h"
#include "test.h"

static const char *const modes[] = {"any", "tcp", NULL};
#define PORT_FIELDS(F)                            \
    F(ENUM, protocol, 0, 0, 0, modes, "Protocol") \
    F(INT, first, 0, 0, 65535, NULL, "First port")
REC_STRUCT(port, PORT_FIELDS)
#define REC_SELF port
REC_TABLE(port, PORT_FIELDS)
#undef REC_SELF
#define REC_OF_ports port
#define THING_FIELDS(F)                            \
    F(STR, id, 0, 0, 31, NULL, "Id")               \
    F(STR, name, 0, 0, 64, NULL, "Name")           \
    F(BOOL, enabled, 0, 0, 0, NULL, "On")          \
    F(TIME, seen_at, 0, 0, 0, NULL, "Seen")        \
    F(STRS, addresses, 0, 0, 9, NULL, "Addresses") \
    F(LIST, ports, 0, 0, 9, &port_rec, "Ports")
REC_STRUCT(thing, THING_FIELDS)
#define REC_SELF thing
REC_TABLE(thing, THING_FIELDS)
#undef REC_SELF

static const char *addresses[] = {"::1", "10.0.0.0/8"};
static struct port ports[] = {{1, 443}, {0, 7}};
static const struct thing things[] = {
    {.id = "thg_1",
     .name = "b\xc3\xa9ta",
     .enabled = true,
     .seen_at = 1500000,
     .addresses = addresses,
     .n_addresses = 2,
     .ports = ports,
     .n_ports = 2},
    {.id = "thg_2", .name = "evil\x1b[31m"},
};
static const char *const columns[] = {"name", "enabled", "ports", NULL};
static const char *const wide[] = {"seen_at", "id", NULL};

static bool port_cell(const void *arg, const struct rec_field *f, const void *item, struct buf *out)
{
    bool ours = !strcmp(f->name, "ports");
    if (ours)
        buf_printf(out, "%zu", ((const struct thing *)item)->n_ports);
    return ours;
}

static void prints(enum cli_format format, struct cli_records r, const char *wanted)
{
    BUF_AUTO out = {0};
    r.rec = &thing_rec;
    r.items = things;
    cli_print_records(format, &r, &out);
    assert_string_equal(buf_str(&out), wanted);
}

static void test_tables(void **state)
{
    prints(CLI_TABLE, (struct cli_records){.n = 2, .columns = columns},
           "NAME       ENABLED  PORTS\n"
           "b\xc3\xa9ta       yes      tcp/443,any/7\n"
           "evil?[31m  no       -\n");
    prints(CLI_WIDE, (struct cli_records){.n = 1, .columns = columns, .wide = wide, .cell = port_cell},
           "NAME  ENABLED  PORTS  SEEN AT               ID\n"
           "b\xc3\xa9ta  yes      2      1970-01-01T00:00:01Z  thg_1\n");
    prints(CLI_TABLE, (struct cli_records){.n = 0, .columns = columns}, "NAME  ENABLED  PORTS\n");
    prints(CLI_NAME, (struct cli_records){.n = 1}, "b\xc3\xa9ta\n");
    prints(CLI_NAME, (struct cli_records){.n = 2, .name = "id"}, "thg_1\nthg_2\n");
}

static void test_json_and_yaml(void **state)
{
    prints(
        CLI_JSON, (struct cli_records){.n = 1, .single = true},
        "{\n  \"id\": \"thg_1\",\n  \"name\": \"b\xc3\xa9ta\",\n  \"enabled\": true,\n"
        "  \"seen_at\": \"1970-01-01T00:00:01.500000Z\",\n  \"addresses\": [\n    \"::1\",\n    \"10.0.0.0/8\"\n  ],\n"
        "  \"ports\": [\n    {\n      \"protocol\": \"tcp\",\n      \"first\": 443\n    },\n    {\n"
        "      \"protocol\": \"any\",\n      \"first\": 7\n    }\n  ]\n}\n");
    prints(CLI_JSON, (struct cli_records){.n = 0}, "[]\n");
    prints(CLI_YAML, (struct cli_records){.n = 1},
           "- id: thg_1\n  name: \"b\xc3\xa9ta\"\n  enabled: true\n  seen_at: \"1970-01-01T00:00:01.500000Z\"\n"
           "  addresses:\n  - \"::1\"\n  - \"10.0.0.0/8\"\n  ports:\n  - protocol: tcp\n    first: 443\n"
           "  - protocol: any\n    first: 7\n");
}

static void test_yaml_reading(void **state)
{
    static const struct {
        const char *yaml, *json; /* json NULL: refused, for a reason that names `why` */
        const char *why;
    } rows[] = {
        {"name: wiki\nports: [1, -2]\n", "{\"name\":\"wiki\",\"ports\":[1,-2]}", NULL},
        {"a: true\nb: no\nc: ~\nd:\ne: 'true'\n", "{\"a\":true,\"b\":\"no\",\"c\":null,\"d\":null,\"e\":\"true\"}",
         NULL},
        {"a: 007\nb: 1.5\nc: 9007199254740993\n", "{\"a\":\"007\",\"b\":\"1.5\",\"c\":\"9007199254740993\"}", NULL},
        {"- 1\n- {x: y}\n", "[1,{\"x\":\"y\"}]", NULL},
        {"a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}", NULL},
        {"{\"a\": \"json \\u00e9\"}", "{\"a\":\"json \xc3\xa9\"}", NULL},
        {"a: 1\na: 2\n", NULL, "twice"},
        {"a: &x 1\nb: *x\n", NULL, "anchors"},
        {"a: !!int 1\n", NULL, "tags"},
        {"a: 1\n---\nb: 2\n", NULL, "more than one"},
        {"? [a]\n: 1\n", NULL, "key"},
        {"a: \"\\0\"\n", NULL, "NUL"},
        {"a: [1\n", NULL, "line"},
        {"", NULL, "nothing"},
        {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", NULL, "levels"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        BUF_AUTO out = {0}, why = {0};
        int r = yaml_to_json(rows[i].yaml, strlen(rows[i].yaml), &out, &why);
        if (rows[i].json ? r || strcmp(buf_str(&out), rows[i].json)
                         : r != -EINVAL || !strstr(buf_str(&why), rows[i].why))
            fail_msg("%s: %d %s %s", rows[i].yaml, r, buf_str(&out), buf_str(&why));
    }
}

static void random_json(struct test_rng *rng, int depth, struct buf *out)
{
    static const char *const strings[] = {"\"\"",     "\"yes\"",  "\"1\"",    "\"a b\"", "\"~\"",   "\"null\"",
                                          "\"#x\"",   "\"- x\"",  "\"x: y\"", "\"\\n\"", "\"\\t\"", "\"\xc3\xa9\"",
                                          "\"a\"",    "\"True\"", "\"0x1f\"", "\"1e3\"", "\"n\"",   "\"|\"",
                                          "\"\\\"\"", "\" a \"",  "\"a/b@c\""};
    static const char *const others[] = {"null", "true", "false", "0", "-7", "9007199254740991"};
    uint64_t kind = test_rng_below(rng, depth > 3 ? 2 : 4), n = test_rng_below(rng, 4);
    if (kind == 0) {
        buf_puts(out, strings[test_rng_below(rng, ARRAY_LEN(strings))]);
    } else if (kind == 1) {
        buf_puts(out, others[test_rng_below(rng, ARRAY_LEN(others))]);
    } else {
        buf_putc(out, kind == 2 ? '[' : '{');
        for (uint64_t i = 0; i < n; i++) {
            buf_puts(out, i ? "," : "");
            if (kind == 3)
                buf_printf(out, "%s:", strings[i * 5 + test_rng_below(rng, 5)]);
            random_json(rng, depth + 1, out);
        }
        buf_putc(out, kind == 2 ? ']' : '}');
    }
}

/* Any JSON written as YAML reads back as the same JSON; so does indented JSON. */
static void test_random_values_there_and_back(void **state)
{
    struct test_rng rng = test_rng_seeded("yaml");
    for (int i = 0; i < 2000; i++) {
        BUF_AUTO json = {0}, yaml = {0}, back = {0}, why = {0}, pretty = {0};
        random_json(&rng, 0, &json);
        assert_int_equal(yaml_from_json(json.data, json.len, &yaml), 0);
        if (yaml_to_json(yaml.data, yaml.len, &back, &why))
            fail_msg("%s\n%s: %s", buf_str(&json), buf_str(&yaml), buf_str(&why));
        assert_string_equal(buf_str(&back), buf_str(&json));
        assert_int_equal(json_pretty(json.data, json.len, &pretty), 0);
        buf_reset(&back);
        assert_int_equal(yaml_to_json(pretty.data, pretty.len, &back, &why), 0);
        assert_string_equal(buf_str(&back), buf_str(&json));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_json_and_yaml),
        cmocka_unit_test(test_yaml_reading),
        cmocka_unit_test(test_random_values_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
