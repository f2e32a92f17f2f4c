/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller puts into a list's query: the cursor, the filter and the query around them. */
#include "server/api/cursor.h"
#include "server/api/filter.h"
#include "server/api/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cursor(const char *text)
{
    static const uint8_t key[CURSOR_KEY_LEN] = "the key of the cursor fuzzer";
    char id[ID_LEN_MAX], again[CURSOR_TEXT_LEN];
    if (cursor_read(key, "/api/v1/sites", text, id) != CURSOR_OK)
        return;
    cursor_make(key, "/api/v1/sites", id, again);
    if (strcmp(again, text) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const fields[] = {"name", "email", NULL};
    struct arena a;
    struct query q;
    struct filter f;
    const char *why;
    arena_init(&a, 1 << 20);
    char *text = arena_strndup(&a, (const char *)data, size);
    if (text) {
        check_cursor(text);
        if (query_parse(text, &a, &q, &why) == 0 && query_get(&q, "cursor"))
            check_cursor(query_get(&q, "cursor"));
        if (filter_parse(text, fields, &a, &f, &why) == 0 && (!f.field || !f.value))
            abort();
    }
    arena_done(&a);
    return 0;
}
