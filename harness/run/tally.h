/* Sums up, over a whole run, what protocol/lint.h found in the replies of all scenarios: each rule
 * then gets an outcome like a scenario. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_TALLY_H
#define HARNESS_RUN_TALLY_H

#include <jansson.h>

#include "catalogue/select.h"

struct tally_rule {
    const struct scenario *rule; /* borrowed from the catalogue */
    size_t looked, broke;
    char *why; /* of the first reply that broke it, with the scenario's id; owned */
};

struct tally {
    struct tally_rule *at;
    size_t n;
};

/* A count for each lint rule of the selection. */
void tally_init(struct tally *t, const struct selection *chosen);
void tally_clear(struct tally *t);

/* Counts a "lint" event of a scenario. */
void tally_event(struct tally *t, const json_t *event);

/* Whether any rule of this one's protocol looked at a reply: else the run did not touch the
 * protocol. */
bool tally_touched(const struct tally *t, const struct scenario *rule);

#endif
