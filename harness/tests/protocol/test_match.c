/* Runs harness/tests/lua/test_match.lua: each of its functions is one test, named by its sentence.
 * SPDX-License-Identifier: MIT */
#include <check.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The folder with harness/ in it: tests are started there, or find it by the variable. */
static const char *home(void)
{
    const char *dir = getenv("MAILPROOF_HOME");
    return dir != NULL ? dir : ".";
}

/* A Lua state with the table of tests on its stack. */
static lua_State *load(void)
{
    char code[1024];
    lua_State *L = luaL_newstate();
    ck_assert_ptr_nonnull(L);
    luaL_openlibs(L);
    snprintf(code, sizeof code,
             "package.path = '%s/harness/lua/?.lua'; return dofile "
             "'%s/harness/tests/lua/test_match.lua'",
             home(), home());
    ck_assert_msg(luaL_dostring(L, code) == LUA_OK, "%s", lua_tostring(L, -1));
    ck_assert(lua_istable(L, -1));
    return L;
}

static int traceback(lua_State *L)
{
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

/* Every sentence of the Lua file holds. */
START_TEST(sentences_hold)
    {
        lua_State *L = load();
        int n = 0;
        lua_pushnil(L);
        while (lua_next(L, 1) != 0) {
            n++;
            lua_pushcfunction(L, traceback);
            lua_insert(L, -2);
            ck_assert_msg(lua_pcall(L, 0, 0, -2) == LUA_OK, "%s: %s", lua_tostring(L, 2),
                          lua_tostring(L, -1));
            lua_settop(L, 2);
        }
        ck_assert_int_gt(n, 10);
        lua_close(L);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("match");
    TCase *t = tcase_create("match");
    tcase_set_timeout(t, 30);
    tcase_add_test(t, sentences_hold);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
