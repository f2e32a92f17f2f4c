/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/address.h"
#include "cli/context.h"
#include "cli/fields.h"
#include "cli/kinds.h"
#include "test.h"
#include <sys/stat.h>
#include <unistd.h>

#define PIN "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void test_addresses(void **state)
{
    static const struct {
        const char *text, *url, *pin; /* url NULL: refused */
    } rows[] = {
        {"https://vpn.example.org", "https://vpn.example.org", ""},
        {"https://vpn.example.org/", "https://vpn.example.org", ""},
        {"https://vpn.example.org:8443#pin=" PIN, "https://vpn.example.org:8443", PIN},
        {"https://vpn.example.org:8443/#pin=" PIN, "https://vpn.example.org:8443", PIN},
        {"https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", ""},
        {"http://vpn.example.org", NULL, ""},
        {"vpn.example.org", NULL, ""},
        {"https://", NULL, ""},
        {"https:///x", NULL, ""},
        {"https://user:pw@host", NULL, ""},
        {"https://host@evil", NULL, ""},
        {"https://host/path", NULL, ""},
        {"https://host?x", NULL, ""},
        {"https://host:0", NULL, ""},
        {"https://host:65536", NULL, ""},
        {"https://host:", NULL, ""},
        {"https://ho st", NULL, ""},
        {"https://host\\@evil", NULL, ""},
        {"https://-host", NULL, ""},
        {"https://[::1", NULL, ""},
        {"https://host#", NULL, ""},
        {"https://host#pin=", NULL, ""},
        {"https://host#pin=sha256//AAAA", NULL, ""},
        {"https://host#pin=sha1//" PIN, NULL, ""},
        {"https://host#pin=" PIN ";sha256//x", NULL, ""},
        {"https://host#" PIN, NULL, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct address a;
        const char *why;
        int r = address_parse(rows[i].text, &a, &why);
        if (r != (rows[i].url ? 0 : -EINVAL) || (!r && (strcmp(a.url, rows[i].url) || strcmp(a.pin, rows[i].pin))))
            fail_msg("%s: %d %s %s", rows[i].text, r, a.url, a.pin);
    }
}

static void test_ports(void **state)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"tcp/443", "{\"protocol\":\"tcp\",\"first\":443,\"last\":443}"},
        {"udp/8000-8010", "{\"protocol\":\"udp\",\"first\":8000,\"last\":8010}"},
        {"tcp", "{\"protocol\":\"tcp\"}"},
        {"icmp", "{\"protocol\":\"icmp\"}"},
        {"any", "{\"protocol\":\"any\"}"},
        {"tcp/", NULL},
        {"tcp/0", NULL},
        {"tcp/65536", NULL},
        {"tcp/9-8", NULL},
        {"tcp/1-2-3", NULL},
        {"tcp/-1", NULL},
        {"tcp/1-", NULL},
        {"443", NULL},
        {"TCP/443", NULL},
        {"sctp/1", NULL},
        {"/1", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cJSON *port = field_port(rows[i].text);
        char *text = port ? cJSON_PrintUnformatted(port) : NULL;
        if (!text != !rows[i].json || (text && strcmp(text, rows[i].json)))
            fail_msg("%s: %s", rows[i].text, text ? text : "refused");
        cJSON_free(text);
        cJSON_Delete(port);
    }
}

/* Fields of a kind as arguments, and the object they make; "!" in json: refused, and why. */
static void test_fields(void **state)
{
    static const struct {
        const char *kind, *args[5], *json;
    } rows[] = {
        {"site", {"name=hq"}, "{\"name\":\"hq\"}"},
        {"site", {"name=a=b"}, "{\"name\":\"a=b\"}"},
        {"site", {"description="}, "{\"description\":null}"},
        {"resource",
         {"name=wiki", "site=hq", "address=10.0.0.5", "ports=tcp/443,udp/53-54"},
         "{\"name\":\"wiki\",\"site_id\":\"hq\",\"addresses\":[\"10.0.0.5\"],\"ports\":["
         "{\"protocol\":\"tcp\",\"first\":443,\"last\":443},{\"protocol\":\"udp\",\"first\":53,\"last\":54}]}"},
        {"resource", {"address=::1", "addresses=10.0.0.0/8,::2"}, "{\"addresses\":[\"::1\",\"10.0.0.0/8\",\"::2\"]}"},
        {"resource", {"ports="}, "{\"ports\":[]}"},
        {"policy", {"enabled=no", "effect=permit"}, "{\"enabled\":false,\"effect\":\"permit\"}"},
        {"policy", {"enabled=maybe"}, "!true or false"},
        {"policy", {"group=a", "group_id=b"}, "!twice"},
        {"policy", {"colour=red"}, "!there are name"},
        {"resource", {"ports=http"}, "!tcp/443"},
        {"token", {"expires_at=2026-11-20T08:00:00Z"}, "{\"expires_at\":\"2026-11-20T08:00:00Z\"}"},
        {"token", {"expires_at=tomorrow"}, "!90d"},
        {"token", {"secret=x"}, "!never"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kind *kind = kind_find(rows[i].kind);
        cJSON *object = cJSON_CreateObject();
        BUF_AUTO why = {0}, name = {0};
        int r = 0;
        for (size_t k = 0; !r && k < 5 && rows[i].args[k]; k++) {
            const char *eq = strchr(rows[i].args[k], '=');
            buf_reset(&name);
            buf_append(&name, rows[i].args[k], (size_t)(eq - rows[i].args[k]));
            r = field_set(kind->rec, object, buf_str(&name), eq + 1, &why);
        }
        char *text = cJSON_PrintUnformatted(object);
        bool refused = rows[i].json[0] == '!';
        if (refused ? r != -EINVAL || !strstr(buf_str(&why), rows[i].json + 1) : r || strcmp(text, rows[i].json))
            fail_msg("row %zu: %d %s %s", i, r, text, buf_str(&why));
        cJSON_free(text);
        cJSON_Delete(object);
    }
}

/* Every row of the table of kinds stands on fields that exist. */
static void test_kinds(void **state)
{
    size_t n = 0;
    for (const struct kind *k = kinds; k->plural; k++, n++) {
        assert_string_equal(kind_words[n], k->plural);
        assert_ptr_equal(kind_find(k->singular), k);
        assert_true(!k->name_field || rec_find(k->rec, k->name_field));
        for (const char *const *c = k->columns; *c; c++)
            assert_non_null(rec_find(k->rec, *c));
        for (const char *const *c = k->wide; *c; c++)
            assert_non_null(rec_find(k->rec, *c));
        for (const char *const *c = k->name_from; c && *c; c++)
            assert_non_null(field_find(k->rec, *c));
    }
    assert_null(kind_words[n]);
    assert_null(kind_find("site_id"));
    assert_string_equal(kind_referred(rec_find(&policy_rec, "resource_id"))->plural, "resources");
    assert_null(kind_referred(rec_find(&audit_event_rec, "request_id")));
}

static void test_contexts(void **state)
{
    char dir[] = "/tmp/test_ctl.XXXXXX";
    struct arena a;
    struct context c, out = {.url = "https://h", .token = "t", .email = "a@b", .expires_at = 1000000};
    struct stat st;
    BUF_AUTO path = {0};
    arena_init(&a, 1 << 16);
    assert_non_null(mkdtemp(dir));
    setenv("POSTERN_CONFIG_DIR", dir, 1);
    assert_int_equal(context_load("x", &a, &c), -ENOENT);
    assert_int_equal(context_save("x", &out), 0);
    assert_int_equal(context_load("x", &a, &c), 0);
    assert_true(rec_equal(&context_rec, &c, &out));
    assert_int_equal(context_path("x", &path), 0);
    assert_int_equal(stat(buf_str(&path), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(buf_str(&path), 0640), 0);
    assert_int_equal(context_load("x", &a, &c), -EPERM);
    assert_int_equal(context_path("../x", &path), -EINVAL);
    assert_int_equal(context_path(".x", &path), -EINVAL);
    assert_int_equal(context_path("", &path), -EINVAL);
    assert_int_equal(context_remove("x"), 0);
    assert_int_equal(context_remove("x"), -ENOENT);
    buf_reset(&path);
    buf_printf(&path, "%s/contexts", dir);
    assert_int_equal(rmdir(buf_str(&path)), 0);
    assert_int_equal(rmdir(dir), 0);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_ports),    cmocka_unit_test(test_fields),
        cmocka_unit_test(test_kinds),     cmocka_unit_test(test_contexts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
