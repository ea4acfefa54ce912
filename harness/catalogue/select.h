/* Which scenarios a command is about: id globs, tags, levels, RFCs, a shard, what failed last time.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_CATALOGUE_SELECT_H
#define HARNESS_CATALOGUE_SELECT_H

#include "catalogue/catalogue.h"

struct wish {
    struct words globs;  /* none: everything */
    struct words tags;   /* any of them */
    struct words levels; /* any of them */
    struct words rfcs;   /* "5321" or "rfc5321", any of them */
    struct words ids;    /* exactly these (--rerun-failed), used when only_ids */
    bool only_ids;
    unsigned shard, shards; /* i of n, from 1; 0 of 0: no shard */
};

struct selection {
    const struct scenario **at;
    size_t n;
};

/* Whether a glob names this scenario. "*" and "?" stand for any letters, "/" included; a plain word
 * names the id, a folder of ids ("smtp/rfc5321"), the scenario's file, or a requirement that it
 * proves. */
bool select_match(const struct scenario *s, const char *glob);

/* Fills out in the catalogue's order. A glob that names nothing is an error with the nearest id. */
int select_scenarios(const struct catalogue *c, const struct wish *wish, struct selection *out,
                     struct err *err);
void selection_clear(struct selection *s);

#endif
