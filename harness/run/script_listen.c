/* What a scenario plays besides the client: a second host, which listens and takes mail, and
 * whoever holds the control socket of the target. The language on top of it is
 * harness/lua/sink.lua. SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "run/script_parts.h"

#define LISTENER "mailproof.listener"

enum { CONTROL_LIMIT = 4 << 20 };

struct listener {
    int fd; /* -1 once closed */
};

static struct listener *check_listener(lua_State *L)
{
    return luaL_checkudata(L, 1, LISTENER);
}

static int fail(lua_State *L, const char *what)
{
    int why = errno;
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", what, strerror(why));
    return 2;
}

/* wire.listen(address, port) -> listener | nil, words. IPv4 only: the loopback has a network of it.
 */
static int l_listen(lua_State *L)
{
    const char *address = luaL_checkstring(L, 1);
    lua_Integer port = luaL_checkinteger(L, 2);
    struct sockaddr_in at = {.sin_family = AF_INET};
    luaL_argcheck(L, inet_pton(AF_INET, address, &at.sin_addr) == 1, 1, "an IPv4 address");
    luaL_argcheck(L, port >= 0 && port <= 65535, 2, "a port");
    at.sin_port = htons((uint16_t)port);
    struct listener *l = lua_newuserdatauv(L, sizeof *l, 0);
    l->fd = -1;
    luaL_setmetatable(L, LISTENER);
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return fail(L, "cannot make a socket");
    int on = 1;
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(l->fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(l->fd, 16) != 0)
        return fail(L, "cannot listen");
    return 1;
}

/* listener:port() */
static int l_port(lua_State *L)
{
    struct sockaddr_in at = {.sin_port = 0};
    socklen_t n = sizeof at;
    (void)getsockname(check_listener(L)->fd, (struct sockaddr *)&at, &n);
    lua_pushinteger(L, ntohs(at.sin_port));
    return 1;
}

static int l_close(lua_State *L)
{
    struct listener *l = check_listener(L);
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = -1;
    return 0;
}

/* listener:accept(name, host, seconds) -> handle | nil, words; words are absent when nobody came.
 */
static int l_accept(lua_State *L)
{
    struct listener *l = check_listener(L);
    const char *name = luaL_checkstring(L, 2), *host = luaL_checkstring(L, 3);
    int timeout_ms = script_ms(luaL_checknumber(L, 4));
    luaL_argcheck(L, l->fd >= 0, 1, "this host does not listen any more");
    struct session *s = script_session(L);
    struct handle *h = script_new_handle(L);
    if (s->sink != NULL) {
        s->sink->protocol = s->sink->service = "smtp";
        s->sink->host = host;
    }
    struct err err = {""};
    int rc = conn_accept(s->loop, name, l->fd, timeout_ms, &h->conn, &err);
    if (s->sink != NULL)
        s->sink->protocol = s->sink->service = s->sink->host = NULL;
    if (rc == 1) {
        script_join(h, s);
        return 1;
    }
    h->conn = NULL;
    lua_pushnil(L);
    if (rc == 0)
        return 1;
    lua_pushstring(L, err.text);
    return 2;
}

/* ---- the control socket ---- */

/* The answer may hold lists of lists; the C stack does not grow without end. */
static void push_json(lua_State *L, const json_t *v, int depth)
{
    const char *key;
    json_t *item;
    size_t i;
    luaL_checkstack(L, 4, "an answer of the control socket");
    if (json_is_string(v)) {
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
    } else if (json_is_integer(v)) {
        lua_pushinteger(L, json_integer_value(v));
    } else if (json_is_real(v)) {
        lua_pushnumber(L, json_real_value(v));
    } else if (json_is_object(v) && depth < 16) {
        lua_newtable(L);
        json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
            push_json(L, item, depth + 1);
            lua_setfield(L, -2, key);
        }
    } else if (json_is_array(v) && depth < 16) {
        lua_newtable(L);
        json_array_foreach (v, i, item) {
            push_json(L, item, depth + 1);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    } else if (json_is_boolean(v)) {
        lua_pushboolean(L, json_is_true(v));
    } else {
        lua_pushnil(L);
    }
}

/* Sends the line and reads one; the answer is in *out, the caller's to free. NULL or words. */
static const char *exchange(int fd, const char *line, double until, const struct loop *loop,
                            json_t **out)
{
    size_t n = strlen(line), have = 0;
    if (send(fd, line, n, MSG_NOSIGNAL) != (ssize_t)n)
        return "the control socket does not take the line";
    char *text = err_need(malloc(CONTROL_LIMIT));
    const char *why = NULL;
    *out = NULL;
    while (why == NULL && *out == NULL) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t got = poll(&p, 1, script_ms(until - loop_now(loop))) == 1
                          ? recv(fd, text + have, CONTROL_LIMIT - have, 0)
                          : 0;
        if (got <= 0) {
            why = "the control socket gave no answer";
            continue;
        }
        have += (size_t)got;
        if (text[have - 1] != '\n')
            continue;
        *out = json_loadb(text, have - 1, 0, NULL);
        if (*out == NULL)
            why = "the control socket's answer is no JSON";
    }
    free(text);
    return why;
}

/* wire.control(path, {["do"] = …}, seconds) -> answer | nil, words */
static int l_control(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    const struct loop *loop = script_session(L)->loop;
    double until = loop_now(loop) + luaL_checknumber(L, 3);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    luaL_argcheck(L, strlen(path) < sizeof at.sun_path, 1, "the path is too long");
    memcpy(at.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(L, "cannot make a socket");
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        int results = fail(L, "the control socket cannot be reached");
        (void)close(fd);
        return results;
    }
    json_t *ask = script_json(L, 2, 0), *answer = NULL;
    char *text = json_dumps(ask, JSON_COMPACT);
    char *line = err_need(malloc((text != NULL ? strlen(text) : 0) + 2));
    sprintf(line, "%s\n", text != NULL ? text : "");
    const char *why = exchange(fd, line, until, loop, &answer);
    (void)close(fd);
    json_decref(ask);
    free(text);
    free(line);
    if (why != NULL) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        return 2;
    }
    push_json(L, answer, 0);
    json_decref(answer);
    return 1;
}

void script_add_listen(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"accept", l_accept},
        {"port", l_port},
        {"close", l_close},
        {NULL, NULL},
    };
    lua_pushcfunction(L, l_listen);
    lua_setfield(L, -2, "listen");
    lua_pushcfunction(L, l_control);
    lua_setfield(L, -2, "control");
    luaL_newmetatable(L, LISTENER);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_close);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
