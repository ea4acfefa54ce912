/* Edit distance (Damerau's, optimal string alignment), and when a word is near enough to be
 * suggested. SPDX-License-Identifier: MIT */
#include "catalogue/nearest.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST = 128 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

size_t nearest_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t rows[3][LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= m; j++)
        last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replace = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, replace);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[m];
}

/* A third of the letters may be wrong, and one in the shortest words. */
static size_t tolerance(size_t letters)
{
    return letters < 3 ? 1 : letters < 6 ? 2 : letters / 3;
}

const char *nearest(const char *word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        size_t d = nearest_distance(word, words[i]);
        if (d < least) {
            least = d;
            best = words[i];
        }
    }
    return best != NULL && least <= tolerance(strlen(word)) ? best : NULL;
}

int nearest_lua(lua_State *L)
{
    const char *word = luaL_checkstring(L, 1);
    size_t least = SIZE_MAX;
    lua_Integer best = 0, n = luaL_len(L, 2);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        if (lua_type(L, -1) == LUA_TSTRING) {
            size_t d = nearest_distance(word, lua_tostring(L, -1));
            if (d < least) {
                least = d;
                best = i;
            }
        }
        lua_pop(L, 1);
    }
    if (best == 0 || least > tolerance(strlen(word)))
        lua_pushnil(L);
    else
        lua_geti(L, 2, best);
    return 1;
}
