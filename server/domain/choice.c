/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "server/domain/choice.h"

static bool better(const struct candidate *a, const struct candidate *b)
{
    if (a->in_use != b->in_use)
        return a->in_use;
    if (a->load != b->load)
        return a->load < b->load;
    return strcmp(a->id, b->id) < 0;
}

int gateway_choose(const struct candidate *candidates, size_t n)
{
    int best = -1;
    for (size_t i = 0; i < n; i++)
        if (candidates[i].online && candidates[i].usable && (best < 0 || better(&candidates[i], &candidates[best])))
            best = (int)i;
    return best;
}
