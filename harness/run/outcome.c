/* Words about verdicts.
 * SPDX-License-Identifier: MIT */
#include "run/outcome.h"

#include <stdlib.h>
#include <string.h>

bool verdict_is_red(enum verdict v)
{
    return v == VERDICT_FAIL || v == VERDICT_WEAK || v == VERDICT_TIMEOUT;
}

int verdict_of(const char *name)
{
    for (int i = 0; i < VERDICTS; i++)
        if (strcmp(verdict_names[i], name) == 0)
            return i;
    return -1;
}

void outcome_clear(struct outcome *o)
{
    free(o->why);
    free(o->where);
    free(o->evidence);
    *o = (struct outcome){0};
}
