/* Opens the scenario language in a Lua state and runs one scenario in it. The C functions (module
 * `wire`) are in the other script_*.c files; what a scenario sees is made of them in harness/lua/.
 * SPDX-License-Identifier: MIT */
#include "run/script.h"

#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "catalogue/nearest.h"
#include "run/script_parts.h"

const char *const verdict_names[] = {
    [VERDICT_PASS] = "pass",   [VERDICT_FAIL] = "fail",       [VERDICT_WEAK] = "weak",
    [VERDICT_NOTED] = "noted", [VERDICT_SKIP] = "skip",       [VERDICT_DEPENDENCY] = "dependency",
    [VERDICT_ERROR] = "error", [VERDICT_TIMEOUT] = "timeout",
};

/* One of these in each Lua state, in its registry. */
struct binding {
    struct session *running; /* NULL between scenarios */
    struct session quiet;
};

static const char binding_key, nil_key;

static struct binding *find_binding(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &binding_key);
    struct binding *b = lua_touserdata(L, -1);
    lua_pop(L, 1); /* the registry keeps it */
    return b;
}

struct session *script_session(lua_State *L)
{
    struct binding *b = find_binding(L);
    if (b->running != NULL)
        return b->running;
    if (b->quiet.loop == NULL)
        session_begin(&b->quiet, NULL);
    return &b->quiet;
}

static int l_binding_gc(lua_State *L)
{
    struct binding *b = lua_touserdata(L, 1);
    if (b->quiet.loop != NULL)
        session_end(&b->quiet);
    return 0;
}

void script_push_nil(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &nil_key);
}

static int l_nil_words(lua_State *L)
{
    lua_pushliteral(L, "NIL");
    return 1;
}

/* wire.now() -> seconds since the session began */
static int l_now(lua_State *L)
{
    lua_pushnumber(L, loop_now(script_session(L)->loop));
    return 1;
}

/* wire.pause(seconds), listening to all connections */
static int l_pause(lua_State *L)
{
    conn_pause(script_session(L)->loop, script_ms(luaL_checknumber(L, 1)));
    return 0;
}

/* wire.emit{ev =, conn =, ok =, what =, value =, text =, where =}: adds the time; without a running
 * scenario it does nothing. */
static int l_emit(lua_State *L)
{
    struct session *s = script_session(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    if (s->sink == NULL)
        return 0;
    /* Lua's order of fields changes from run to run; the line's does not. */
    static const char *const fields[] = {"conn", "at", "ok", "what", "value", "text", "where"};
    (void)lua_getfield(L, 1, "ev");
    json_t *event = event_new(s->sink, luaL_checkstring(L, -1));
    lua_pop(L, 1);
    if (event == NULL)
        return 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(fields[i], "at") == 0) {
            json_object_set_new(event, "at", event_time(loop_now(s->loop)));
            continue;
        }
        if (lua_getfield(L, 1, fields[i]) != LUA_TNIL)
            json_object_set_new(event, fields[i], script_json(L, lua_gettop(L), 0));
        lua_pop(L, 1);
    }
    event_emit(s->sink, event);
    return 0;
}

static void open_wire(lua_State *L, const char *home)
{
    static const luaL_Reg functions[] = {
        {"now", l_now},           {"pause", l_pause}, {"emit", l_emit},
        {"nearest", nearest_lua}, {NULL, NULL},
    };
    luaL_newlib(L, functions);
    script_add_tools(L);
    script_add_conn(L);
    script_add_listen(L);
    script_add_identity(L);
    lua_pushstring(L, home);
    lua_setfield(L, -2, "home");
    script_push_nil(L);
    lua_setfield(L, -2, "NIL");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "wire");
    lua_pop(L, 2);
}

static int open_all(lua_State *L) /* (home) */
{
    const char *home = luaL_checkstring(L, 1);
    luaL_openlibs(L);
    if (find_binding(L) == NULL) {
        struct binding *b = lua_newuserdatauv(L, sizeof *b, 0);
        memset(b, 0, sizeof *b);
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, l_binding_gc);
        lua_setfield(L, -2, "__gc");
        lua_setmetatable(L, -2);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &binding_key);
        lua_newtable(L); /* imap.NIL */
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, l_nil_words);
        lua_setfield(L, -2, "__tostring");
        lua_setmetatable(L, -2);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &nil_key);
    }
    open_wire(L, home);
    lua_getglobal(L, "package");
    lua_pushfstring(L, "%s/harness/lua/?.lua", home);
    lua_setfield(L, -2, "path");
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath");
    lua_getglobal(L, "require");
    lua_pushliteral(L, "timeline");
    lua_call(L, 1, 0);
    return 0;
}

int script_open(lua_State *L, const char *home, struct err *err)
{
    int top = lua_gettop(L), rc = 0;
    lua_pushcfunction(L, open_all);
    lua_pushstring(L, home);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        const char *why = lua_tostring(L, -1);
        rc = err_set(err, "the scenario language cannot be loaded: %s", why != NULL ? why : "?");
    }
    lua_settop(L, top);
    return rc;
}

static int run_one(lua_State *L) /* (scenario, context) -> verdict, why, where */
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "timeline");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "run");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 3);
    return 3;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from != NULL ? from : "");
}

void script_run(lua_State *L, int scenario, int context, struct event_sink *sink,
                struct script_result *out)
{
    int top = lua_gettop(L);
    struct binding *b = find_binding(L);
    struct session session;
    scenario = lua_absindex(L, scenario);
    context = lua_absindex(L, context);
    *out = (struct script_result){.verdict = VERDICT_ERROR};
    session_begin(&session, sink);
    b->running = &session;
    lua_pushcfunction(L, run_one);
    lua_pushvalue(L, scenario);
    lua_pushvalue(L, context);
    if (lua_pcall(L, 2, 3, 0) != LUA_OK) {
        copy(out->why, sizeof out->why, lua_tostring(L, -1));
    } else {
        const char *verdict = lua_tostring(L, -3);
        for (size_t i = 0; verdict != NULL && i <= VERDICT_TIMEOUT; i++)
            if (strcmp(verdict, verdict_names[i]) == 0)
                out->verdict = (enum verdict)i;
        copy(out->why, sizeof out->why, lua_tostring(L, -2));
        copy(out->where, sizeof out->where, lua_tostring(L, -1));
    }
    lua_settop(L, top);
    session_end(&session);
    b->running = NULL;
}
