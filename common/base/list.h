/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list: put a struct list in the element, find the element with container_of(). */
#pragma once
#include "base/defs.h"

struct list {
    struct list *prev, *next;
};

#define LIST_INIT(l) \
    {                \
        &(l), &(l)   \
    }
#define list_for_each(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)
/* The element may be removed inside the loop. */
#define list_for_each_safe(it, head) \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head); it = it##_next, it##_next = it->next)

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_append(struct list *head, struct list *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

/* Takes an element out; it points to itself afterwards, so removing it twice is harmless. */
static inline void list_remove(struct list *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}
