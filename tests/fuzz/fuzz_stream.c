/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/lines.h"
#include "agent/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_line(void *arg, const char *line, size_t len)
{
    struct store *s = arg;
    struct event e;
    if (event_parse(s->role, line, len, &e))
        return 0;
    store_apply(s, &e, 1000);
    event_done(&e);
    return 0;
}

static void feed(const struct event_role *role, const uint8_t *data, size_t size)
{
    struct lines l;
    struct store s;
    lines_init(&l, 65536);
    store_init(&s, role);
    if (lines_feed(&l, (const char *)data, size / 2, on_line, &s) == 0 &&
        lines_feed(&l, (const char *)data + size / 2, size - size / 2, on_line, &s) == 0)
        for (size_t i = 1; i < s.n; i++)
            if (s.items[i - 1]->kind > s.items[i]->kind ||
                (s.items[i - 1]->kind == s.items[i]->kind && strcmp(s.items[i - 1]->id, s.items[i]->id) >= 0))
                abort();
    lines_done(&l);
    store_done(&s);
}

/* Lines of a state stream, as both roles; the store must stay sorted and without duplicates. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed(&gateway_role, data, size);
    feed(&client_role, data, size);
    return 0;
}
