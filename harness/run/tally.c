/* Counts lint events by rule.
 * SPDX-License-Identifier: MIT */
#include "run/tally.h"

#include <stdlib.h>
#include <string.h>

void tally_init(struct tally *t, const struct selection *chosen)
{
    *t = (struct tally){.at = calloc(chosen->n + 1, sizeof *t->at)};
    if (t->at == NULL)
        abort();
    for (size_t i = 0; i < chosen->n; i++)
        if (chosen->at[i]->lint != NULL)
            t->at[t->n++].rule = chosen->at[i];
}

void tally_clear(struct tally *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->at[i].why);
    free(t->at);
    *t = (struct tally){0};
}

void tally_event(struct tally *t, const json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "rule"));
    for (size_t i = 0; name != NULL && i < t->n; i++) {
        struct tally_rule *r = &t->at[i];
        if (strcmp(r->rule->id, name) != 0)
            continue;
        r->looked++;
        if (json_is_true(json_object_get(event, "ok")))
            return;
        const char *why = json_string_value(json_object_get(event, "why"));
        const char *where = json_string_value(json_object_get(event, "case"));
        if (r->broke++ == 0 && asprintf(&r->why, "%s (in %s)", why != NULL ? why : "broken",
                                        where != NULL ? where : "?") < 0)
            abort();
        return;
    }
}

bool tally_touched(const struct tally *t, const struct scenario *rule)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->at[i].looked > 0 && strcmp(t->at[i].rule->protocol, rule->protocol) == 0)
            return true;
    return false;
}
