/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway/nft for tests: one command per line on stdin, one line of answer (lists end with "end").
 *   open TABLE TUNNEL | remove TABLE | begin | class NAME PREFIX,PF-PL,F-L … | classes | grant ADDR NAME MS | drop ADDR NAME
 *   commit  -> "ok START_NS TAKEN_NS" (CLOCK_MONOTONIC) or "error ERRNO"
 *   mark NAME | grants | denied | counters | forget ADDR | check | remake
 */
#include "base/buf.h"
#include "base/str.h"
#include "gateway/nft/nft.h"
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { NAMES_MAX = 512, LINE = 1 << 16 };

struct named {
    char name[64];
    struct buf boxes;
};

static struct nft *nft;
static struct named names[NAMES_MAX];
static struct nft_class classes[NAMES_MAX];
static size_t n_names;

static void answer(int r)
{
    if (r)
        printf("error %s\n", strerrorname_np(-r));
    else
        printf("ok\n");
}

static int index_of(const char *name)
{
    for (size_t i = 0; i < n_names; i++)
        if (str_eq(names[i].name, name))
            return (int)i;
    return -1;
}

static int parse_box(const char *text, struct nft_box *out)
{
    char prefix[NET_PREFIX_TEXT];
    unsigned pf, pl, f, l;
    if (sscanf(text, "%49[^,],%u-%u,%u-%u", prefix, &pf, &pl, &f, &l) != 5 || net_prefix_parse(prefix, &out->prefix))
        return -EINVAL;
    out->protocol_first = (uint8_t)pf;
    out->protocol_last = (uint8_t)pl;
    out->port_first = (uint16_t)f;
    out->port_last = (uint16_t)l;
    return 0;
}

static int add_class(char **save)
{
    const char *name = strtok_r(NULL, " ", save);
    if (!name || n_names == NAMES_MAX)
        return -EINVAL;
    struct named *n = &names[n_names++];
    str_copy(n->name, sizeof(n->name), name);
    buf_reset(&n->boxes);
    for (const char *text = strtok_r(NULL, " ", save); text; text = strtok_r(NULL, " ", save)) {
        struct nft_box box;
        if (parse_box(text, &box))
            return -EINVAL;
        buf_append(&n->boxes, &box, sizeof(box));
    }
    return 0;
}

static int set_classes(void)
{
    for (size_t i = 0; i < n_names; i++)
        classes[i] = (struct nft_class){.boxes = (const void *)names[i].boxes.data,
                                        .n_boxes = names[i].boxes.len / sizeof(struct nft_box)};
    return nft_set_classes(nft, classes, n_names);
}

static int change_grant(char **save, bool give)
{
    const char *text = strtok_r(NULL, " ", save), *name = strtok_r(NULL, " ", save);
    const char *ms = give ? strtok_r(NULL, " ", save) : "0";
    struct net_addr addr;
    int at = name ? index_of(name) : -1;
    if (!text || !ms || at < 0 || net_addr_parse(text, &addr))
        return -EINVAL;
    if (give)
        nft_set_grant(nft, addr, classes[at].mark, strtoll(ms, NULL, 10));
    else
        nft_drop_grant(nft, addr, classes[at].mark);
    return 0;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void commit(void)
{
    int64_t start = now_ns();
    int r = nft_commit(nft);
    int64_t taken = now_ns() - start;
    if (r)
        answer(r);
    else
        printf("ok %" PRId64 " %" PRId64 "\n", start, taken);
}

static void print_grants(void)
{
    struct nft_grant *g = NULL;
    size_t n = 0;
    if (nft_read_grants(nft, &g, &n))
        abort();
    for (size_t i = 0; i < n; i++) {
        char text[NET_ADDR_TEXT];
        net_addr_format(g[i].inner, text);
        printf("%s %u %" PRId64 "\n", text, g[i].mark, g[i].left_ms);
    }
    free(g);
    printf("end\n");
}

static void print_denied(void)
{
    struct nft_denied *d = NULL;
    size_t n = 0;
    if (nft_read_denied(nft, &d, &n))
        abort();
    for (size_t i = 0; i < n; i++) {
        char from[NET_ADDR_TEXT], to[NET_ADDR_TEXT];
        net_addr_format(d[i].inner, from);
        net_addr_format(d[i].destination, to);
        printf("%s %s %u %u %" PRIu64 "\n", from, to, d[i].protocol, d[i].port, d[i].packets);
    }
    free(d);
    printf("end\n");
}

static void print_counters(void)
{
    struct nft_counters c = {0};
    int r = nft_read_counters(nft, &c);
    if (r)
        answer(r);
    else
        printf("ok %" PRIu64 " %" PRIu64 "\n", c.refused_packets, c.refused_bytes);
}

static int forget(char **save)
{
    const char *text = strtok_r(NULL, " ", save);
    struct net_addr addr;
    return text && net_addr_parse(text, &addr) == 0 ? nft_forget_flows(nft, &addr, 1) : -EINVAL;
}

static int open_table(char **save)
{
    struct nft_options o = {.table = strtok_r(NULL, " ", save), .tunnel = strtok_r(NULL, " ", save)};
    nft_close(nft);
    nft = NULL;
    return o.table && o.tunnel ? nft_open(&o, &nft) : -EINVAL;
}

static void run(const char *verb, char **save)
{
    if (str_eq(verb, "open"))
        answer(open_table(save));
    else if (str_eq(verb, "remove"))
        answer(nft_remove(strtok_r(NULL, " ", save)));
    else if (str_eq(verb, "begin"))
        nft_begin(nft), n_names = 0, answer(0);
    else if (str_eq(verb, "change"))
        nft_begin(nft), answer(0);
    else if (str_eq(verb, "class"))
        answer(add_class(save));
    else if (str_eq(verb, "classes"))
        answer(set_classes());
    else if (str_eq(verb, "grant") || str_eq(verb, "drop"))
        answer(change_grant(save, str_eq(verb, "grant")));
    else if (str_eq(verb, "commit"))
        commit();
    else if (str_eq(verb, "mark"))
        printf("ok %u\n", classes[index_of(strtok_r(NULL, " ", save))].mark);
    else if (str_eq(verb, "grants"))
        print_grants();
    else if (str_eq(verb, "denied"))
        print_denied();
    else if (str_eq(verb, "counters"))
        print_counters();
    else if (str_eq(verb, "check"))
        answer(nft_check(nft));
    else if (str_eq(verb, "remake"))
        answer(nft_remake(nft));
    else if (str_eq(verb, "forget"))
        answer(forget(save));
    else
        answer(-ENOSYS);
}

int main(void)
{
    static char line[LINE];
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin)) {
        char *save = NULL;
        line[strcspn(line, "\n")] = '\0';
        const char *verb = strtok_r(line, " ", &save);
        if (verb)
            run(verb, &save);
    }
    nft_close(nft);
    for (size_t i = 0; i < NAMES_MAX; i++)
        buf_done(&names[i].boxes);
    return 0;
}
