/* Calls the renderers of reports/ for what the command line asked.
 * SPDX-License-Identifier: MIT */
#include "cli/formats.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/nearest.h"
#include "run/render.h"

enum { KINDS_MOST = 64 };
#define KINDS_TEXT_MOST ((size_t)1 << 16)

static lua_State *open_lua(void)
{
    lua_State *L = luaL_newstate();
    if (L == NULL)
        abort();
    luaL_openlibs(L);
    return L;
}

/* "junit:out/x.xml" -> "junit", "out/x.xml" (or NULL). */
static const char *split(const char *wish, char *kind, size_t size)
{
    const char *colon = strchr(wish, ':');
    size_t n = colon != NULL ? (size_t)(colon - wish) : strlen(wish);
    snprintf(kind, size, "%.*s", (int)n, wish);
    return colon != NULL && colon[1] != '\0' ? colon + 1 : NULL;
}

static int list_kinds(const char *home, struct buf *b, struct err *err)
{
    lua_State *L = open_lua();
    buf_init(b, KINDS_TEXT_MOST);
    int rc = render_kinds(L, home, b, err);
    lua_close(L);
    if (rc == 0)
        buf_add(b, "", 1);
    return rc;
}

int formats_list(const char *home, struct err *err)
{
    struct buf b;
    int rc = list_kinds(home, &b, err);
    if (rc == 0)
        fputs((const char *)b.data, stdout);
    buf_clear(&b);
    return rc;
}

int formats_check(const char *home, const struct words *wishes, struct err *err)
{
    const char *kinds[KINDS_MOST];
    char *at, *line;
    size_t n = 0;
    struct buf b;
    if (wishes->n == 0)
        return 0;
    int rc = list_kinds(home, &b, err);
    at = rc == 0 ? (char *)b.data : NULL;
    while (at != NULL && (line = strsep(&at, "\n")) != NULL && n < KINDS_MOST) {
        line[strcspn(line, "\t")] = '\0';
        if (*line != '\0')
            kinds[n++] = line;
    }
    for (size_t i = 0; i < wishes->n && rc == 0; i++) {
        char kind[64];
        bool known = false;
        split(wishes->at[i], kind, sizeof kind);
        for (size_t k = 0; k < n; k++)
            known = known || strcmp(kinds[k], kind) == 0;
        if (known)
            continue;
        const char *best = nearest(kind, kinds, n);
        if (best != NULL)
            rc = err_set(err, "--format: there is no format %s; did you mean %s?", kind, best);
        else
            rc = err_set(err,
                         "--format: there is no format %s; mailproof report --formats lists them",
                         kind);
    }
    buf_clear(&b);
    return rc;
}

bool formats_use_stdout(const struct words *wishes)
{
    char kind[64];
    for (size_t i = 0; i < wishes->n; i++) {
        const char *path = split(wishes->at[i], kind, sizeof kind);
        if (path != NULL && strcmp(path, "-") == 0)
            return true;
    }
    return false;
}

int formats_write(const char *home, const char *const *jsonl, size_t n, const char *folder,
                  bool defaults, const struct words *wishes, struct err *err)
{
    static const char *const standard[] = {"json", "junit", "html"};
    struct err one;
    if (!defaults && wishes->n == 0)
        return 0;
    lua_State *L = open_lua();
    int rc = render_load(L, home, jsonl, n, err);
    if (rc == 0 && defaults)
        for (size_t i = 0; i < sizeof standard / sizeof *standard; i++)
            if (render_write(L, standard[i], folder, NULL, &one) != 0 && rc == 0)
                rc = err_set(err, "%s", one.text);
    if (rc == 0 || defaults)
        for (size_t i = 0; i < wishes->n; i++) {
            char kind[64];
            const char *path = split(wishes->at[i], kind, sizeof kind);
            if (render_write(L, kind, folder, path, &one) != 0 && rc == 0)
                rc = err_set(err, "%s", one.text);
        }
    lua_close(L);
    return rc;
}
