/* The nearest right word for a wrong one: flags, commands, field names, requirement ids.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_CATALOGUE_NEAREST_H
#define HARNESS_CATALOGUE_NEAREST_H

#include <lua.h>
#include <stddef.h>

/* How many letters must change to make b of a: inserted, removed, replaced, or two neighbours
 * swapped. Words past 128 letters count as far apart. */
size_t nearest_distance(const char *a, const char *b);

/* The one of n words that is most like word, or NULL when none is near enough to be meant. */
const char *nearest(const char *word, const char *const *words, size_t n);

/* The same for Lua: nearest(word, list) -> string or nil. */
int nearest_lua(lua_State *L);

#endif
