/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What one agent has been told: for each item a hash of what was sent last and the revision it was sent at, so that
 * a stream carries differences only and a stream that broke can go on from a revision. Pure; not thread-safe.
 *
 * A rendering is view_begin(), view_offer() for every item that should be, view_end(). Items that were not offered
 * are gone; their tombstones stay for a while, because an agent that resumes may have missed the news.
 */
#pragma once
#include "base/buf.h"
#include "base/map.h"

enum { VIEW_KEY_MAX = 96, VIEW_TOMBSTONES_MAX = 4096 };

struct view {
    struct map entries; /* "rank kind id" -> struct view_entry */
    uint64_t round;
    int64_t floor; /* oldest revision that can be resumed from */
    int64_t last;  /* revision of the newest rendering */
    bool marked;   /* a bookmark of `last` was sent */
    size_t n_tombstones;
};

enum view_news { VIEW_SAME, VIEW_ADDED, VIEW_MODIFIED };

void view_done(struct view *v);
/* Forgets everything: the agent lists from scratch. */
void view_reset(struct view *v);
/* The agent holds a bookmark of revision `since`: it saw everything that was sent before the first of them. Returns 0,
 * or -ESTALE when that is longer ago than is remembered, or in the future. */
int view_resume(struct view *v, int64_t since) MUSTCHECK;

/* revision: of the state that is offered now; never lower than the last time. */
void view_begin(struct view *v, int64_t revision);
/* rank: one digit; items that went are told in order of falling rank. */
enum view_news view_offer(struct view *v, unsigned rank, const char *kind, const char *id, uint64_t hash);
/* A bookmark of the newest rendering's revision is sent right after it. */
void view_bookmark(struct view *v);
/* Calls gone() for each item that was not offered. */
void view_end(struct view *v, void (*gone)(void *arg, unsigned rank, const char *kind, const char *id), void *arg);
