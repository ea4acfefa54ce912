/* The nearest right name, by the number of letters that have to be put in, taken out or changed.
 * SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <string.h>

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1];
    size_t n = strlen(b);
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= n; k++) {
            size_t above = row[k];
            size_t change = corner + (a[i - 1] != b[k - 1]);
            row[k] = least(change, least(above, row[k - 1]) + 1);
            corner = above;
        }
    }
    return row[n];
}

const char *nearest(const char *name, const char *(*at)(size_t i))
{
    const char *best = NULL;
    size_t best_distance = strlen(name) / 3 + 2;
    if (strlen(name) > LONGEST)
        return NULL;
    const char *candidate;
    for (size_t i = 0; (candidate = at(i)) != NULL; i++) {
        if (strlen(candidate) > LONGEST)
            continue;
        size_t d = distance(name, candidate);
        if (d < best_distance) {
            best_distance = d;
            best = candidate;
        }
    }
    return best;
}
