/* A home folder made for a test: mailproof's own Lua files, a small requirement catalogue, and the
 * scenario files that the test writes. Tests run in the repository's root. Include it once in a
 * test program. SPDX-License-Identifier: MIT */
#ifndef HARNESS_TESTS_MADE_HOME_H
#define HARNESS_TESTS_MADE_HOME_H

#include <check.h>
#include <ftw.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue/catalogue.h"
#include "run/script.h"

static char made_home[] = "/tmp/mailproof-test-XXXXXX";

static void made_file(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", made_home, name);
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void made_open(void)
{
    char real[4096], link[512];
    strcpy(made_home + strlen(made_home) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(made_home));
    made_file(
        "scenarios/requirements/rfc9999.lua",
        "return { rfc = 9999, title = 'Tests', requirements = {\n"
        "  { id = 'rfc9999-1-1', section = '1', level = 'MUST', test = 'wire', says = 'a' },\n"
        "  { id = 'rfc9999-1-2', section = '1', level = 'SHOULD', test = 'wire', says = 'b' },\n"
        "  { id = 'rfc9999-2-1', section = '2', level = 'MAY', test = 'time', says = 'c' },\n"
        "} }\n");
    made_file("harness/place", "");
    ck_assert_ptr_nonnull(realpath("harness/lua", real));
    snprintf(link, sizeof link, "%s/harness/lua", made_home);
    ck_assert_int_eq(symlink(real, link), 0);
}

static int made_remove(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

static void made_close(void)
{
    nftw(made_home, made_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* Opens Lua with the scenario language and loads the catalogue; rules of lint.h, whose requirements
 * the made catalogue does not have, are no problem here. */
static lua_State *made_load(struct catalogue *c)
{
    struct err err = {{0}};
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    ck_assert_msg(script_open(L, made_home, &err) == 0, "%s", err.text);
    ck_assert_msg(catalogue_load(L, made_home, c, &err) == 0, "%s", err.text);
    size_t kept = 0;
    for (size_t i = 0; i < c->problems.n; i++)
        if (strstr(c->problems.at[i], "protocol/lint.c") == NULL)
            c->problems.at[kept++] = c->problems.at[i];
    c->problems.n = kept;
    return L;
}

#endif
