/* One scenario against a server that plays a given part, for the tests of the scenario language.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_TESTS_RUN_SCRIPT_CASE_H
#define HARNESS_TESTS_RUN_SCRIPT_CASE_H

#include <check.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/fake_server.h"
#include "run/script.h"

#define MOVES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static lua_State *L;
static char ca_file[] = "/tmp/mailproof-test-ca-XXXXXX";
static struct script_result result;
static json_t *events;

static inline void make_identity(void)
{
    fake_server_tls(ca_file);
}

static inline void drop_identity(void)
{
    SSL_CTX_free(fake_ctx);
    (void)unlink(ca_file);
}

static inline void open_language(void)
{
    struct err err;
    L = luaL_newstate();
    luaL_openlibs(L);
    const char *home = getenv("MAILPROOF_HOME");
    ck_assert_msg(script_open(L, home != NULL ? home : ".", &err) == 0, "%s", err.text);
}

static inline void close_language(void)
{
    lua_close(L);
    json_decref(events);
    events = NULL;
}

/* How long replies are waited for. Silence is short; a handshake on a busy machine is not. */
static inline double patience(const char *const *moves)
{
    for (size_t i = 0; moves[i] != NULL; i++)
        if (strcmp(moves[i], "t") == 0)
            return 10;
    return 0.3;
}

/* Runs `body`, the inside of run = function(t) … end, which begins in line 1 of scenarios/test.lua,
 * as a scenario of this level against a server that plays the moves as each of the services. */
static inline void run(const char *level, const char *const *moves, const char *body)
{
    struct fake_server server;
    fake_server_start(&server, moves);
    char text[1024];
    int n = snprintf(
        text, sizeof text,
        "local at = { host = '127.0.0.1', port = %d }\n"
        "return { id = 'test', level = '%s', users = {{ name = 'ann', password = 'secret',"
        " address = 'ann@test.example' }}, domain = 'test.example', marker = 'm4rker', seed = 7,"
        " timeout_scale = 1, messages = {}, reply_timeout = %g, file = 'scenarios/test.lua',"
        " target = { name = 'fake', ca = '%s', verify_name = 'localhost',"
        " services = { smtp = at, imap = at, imaps = at, pop3 = at } } }",
        server.port, level, patience(moves), ca_file);
    ck_assert_int_lt(n, (int)sizeof text);
    ck_assert_msg(luaL_dostring(L, text) == LUA_OK, "%s", lua_tostring(L, -1));
    lua_newtable(L);
    const char *chunk = lua_pushfstring(L, "return function(t) %s\nend", body);
    ck_assert_msg(luaL_loadbuffer(L, chunk, strlen(chunk), "@scenarios/test.lua") == LUA_OK, "%s",
                  lua_tostring(L, -1));
    lua_remove(L, -2);
    lua_call(L, 0, 1);
    lua_setfield(L, -2, "run");
    json_decref(events);
    events = json_array();
    struct event_sink sink = {.list = events, .scenario = "test", .fd = -1};
    script_run(L, -1, -2, &sink, &result);
    lua_settop(L, 0);
    fake_server_stop(&server);
}

static inline void verdict_is(enum verdict verdict, const char *why)
{
    ck_assert_msg(result.verdict == verdict && strstr(result.why, why) != NULL,
                  "wanted %s with \"%s\", got %s: %s (%s)", verdict_names[verdict], why,
                  verdict_names[result.verdict], result.why, result.where);
}

static inline void passes(const char *const *moves, const char *body)
{
    run("MUST", moves, body);
    verdict_is(VERDICT_PASS, "");
    ck_assert_msg(result.why[0] == '\0', "%s", result.why);
}

static inline void fails(const char *const *moves, const char *body, const char *why)
{
    run("MUST", moves, body);
    verdict_is(VERDICT_FAIL, why);
}

/* What a scenario builds on failed: the verdict is not about its own point. */
static inline void depends(const char *const *moves, const char *body, const char *why)
{
    run("MUST", moves, body);
    verdict_is(VERDICT_DEPENDENCY, why);
}

static inline int count(const char *ev)
{
    size_t i;
    int n = 0;
    json_t *e;
    json_array_foreach (events, i, e)
        n += strcmp(json_string_value(json_object_get(e, "ev")), ev) == 0;
    return n;
}

/* A program of such tests: add puts them in. */
static inline int script_main(const char *name, void (*add)(TCase *tc))
{
    Suite *s = suite_create(name);
    TCase *tc = tcase_create("language");
    tcase_add_unchecked_fixture(tc, make_identity, drop_identity);
    tcase_add_checked_fixture(tc, open_language, close_language);
    tcase_set_timeout(tc, 30);
    add(tc);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
