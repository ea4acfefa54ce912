/* Connections as Lua holds them: open, write, TLS, close, and what arrived. The language that
 * scenarios speak is made on top of this in harness/lua/conn.lua; here are only the bytes.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/socket.h>

#include "run/script_parts.h"

#define CONN "mailproof.wire"

static struct handle *any_handle(lua_State *L)
{
    return luaL_checkudata(L, 1, CONN);
}

struct handle *script_check_handle(lua_State *L)
{
    struct handle *h = any_handle(L);
    luaL_argcheck(L, h->conn != NULL, 1, "this connection is over");
    return h;
}

void session_begin(struct session *s, struct event_sink *sink)
{
    struct conn_watch none = {.arg = NULL};
    struct conn_watch watch = sink != NULL ? event_watch(sink) : none;
    *s = (struct session){.loop = loop_new(&watch), .sink = sink};
}

static void let_go(struct handle *h)
{
    handle_forget(h);
    if (h->link != NULL) {
        *h->link = h->next;
        if (h->next != NULL)
            h->next->link = h->link;
        h->link = NULL;
        h->next = NULL;
    }
    h->conn = NULL;
}

void session_end(struct session *s)
{
    while (s->handles != NULL)
        let_go(s->handles);
    loop_free(s->loop);
    s->loop = NULL;
}

static const char *field(lua_State *L, int table, const char *name)
{
    /* The string stays alive: the table holds it. */
    lua_getfield(L, table, name);
    const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    lua_pop(L, 1);
    return s;
}

static double number_field(lua_State *L, int table, const char *name, double otherwise)
{
    lua_getfield(L, table, name);
    double d = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : otherwise;
    lua_pop(L, 1);
    return d;
}

struct handle *script_new_handle(lua_State *L)
{
    struct handle *h = lua_newuserdatauv(L, sizeof *h, 0);
    memset(h, 0, sizeof *h);
    luaL_setmetatable(L, CONN);
    return h;
}

void script_join(struct handle *h, struct session *s)
{
    h->session = s;
    h->next = s->handles;
    h->link = &s->handles;
    if (h->next != NULL)
        h->next->link = &h->next;
    s->handles = h;
}

/* wire.connect{name, host, port, source, family, timeout, protocol, service} -> handle | nil, words
 */
static int l_connect(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    struct session *s = script_session(L);
    double port = number_field(L, 1, "port", 0), family = number_field(L, 1, "family", 0);
    luaL_argcheck(L, port >= 1 && port <= 65535, 1, "port is a number from 1 to 65535");
    struct conn_address to = {
        .host = field(L, 1, "host"),
        .port = (uint16_t)port,
        .source = field(L, 1, "source"),
        .family = family == 4   ? AF_INET
                  : family == 6 ? AF_INET6
                                : AF_UNSPEC,
    };
    const char *name = field(L, 1, "name");
    luaL_argcheck(L, to.host != NULL && name != NULL, 1, "host and name are needed");
    int timeout_ms = script_ms(number_field(L, 1, "timeout", 10));
    struct handle *h = script_new_handle(L);
    if (s->sink != NULL) {
        s->sink->protocol = field(L, 1, "protocol");
        s->sink->service = field(L, 1, "service");
        s->sink->host = to.host;
    }
    struct err err = {""};
    int rc = conn_open(s->loop, name, &to, timeout_ms, &h->conn, &err);
    if (s->sink != NULL)
        s->sink->protocol = s->sink->service = s->sink->host = NULL;
    if (rc != 0) {
        h->conn = NULL;
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    script_join(h, s);
    return 1;
}

static int l_gc(lua_State *L)
{
    struct handle *h = any_handle(L);
    if (h->conn != NULL) {
        struct conn *c = h->conn;
        let_go(h);
        conn_free(c);
    }
    return 0;
}

/* handle:write(bytes, seconds) -> true | false, words */
static int l_write(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    size_t n;
    const char *p = luaL_checklstring(L, 2, &n);
    struct err err = {""};
    int rc = conn_write(h->conn, p, n, script_ms(luaL_checknumber(L, 3)), &err);
    lua_pushboolean(L, rc == 0);
    lua_pushstring(L, err.text);
    return 2;
}

/* handle:fill(have, seconds) -> 1 | 0 | -1, words */
static int l_fill(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    lua_Integer have = luaL_checkinteger(L, 2);
    luaL_argcheck(L, have >= 0, 2, "a number of bytes");
    struct err err = {""};
    lua_pushinteger(L, conn_fill(h->conn, (size_t)have, script_ms(luaL_checknumber(L, 3)), &err));
    lua_pushstring(L, err.text);
    return 2;
}

static int l_input(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    const unsigned char *p;
    double at;
    size_t n = conn_input(h->conn, &p, &at);
    lua_pushlstring(L, n > 0 ? (const char *)p : "", n);
    return 1;
}

/* handle:waiting() -> how many bytes input() would give */
static int l_waiting(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    const unsigned char *p;
    double at;
    lua_pushinteger(L, (lua_Integer)conn_input(h->conn, &p, &at));
    return 1;
}

/* handle:took(n): these bytes of the input are dealt with. A reply that was half read is forgotten.
 */
static int l_took(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    const unsigned char *p;
    double at;
    size_t n = conn_input(h->conn, &p, &at);
    lua_Integer want = luaL_checkinteger(L, 2);
    luaL_argcheck(L, want >= 0 && (size_t)want <= n, 2, "more than there is");
    handle_forget(h);
    conn_took(h->conn, (size_t)want);
    return 0;
}

static int l_history(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    const unsigned char *p;
    size_t n = conn_history(h->conn, &p);
    lua_pushlstring(L, n > 0 ? (const char *)p : "", n);
    return 1;
}

/* handle:ended() -> "open" | "close_notify" | "fin" | "reset" | "alert" | "overflow" | "local",
 * words */
static int l_ended(lua_State *L)
{
    static const char *const names[] = {
        [CONN_OPEN] = "open",   [CONN_CLOSE_NOTIFY] = "close_notify", [CONN_FIN] = "fin",
        [CONN_RESET] = "reset", [CONN_TLS_ALERT] = "alert",           [CONN_OVERFLOW] = "overflow",
        [CONN_LOCAL] = "local",
    };
    enum conn_end how = conn_ended(script_check_handle(L)->conn);
    lua_pushstring(L, names[how]);
    lua_pushstring(L, conn_end_words(how));
    return 2;
}

/* handle:starttls{sni, verify_name, ca, min_version, …, timeout} -> done, words */
static int l_starttls(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    struct conn_tls_options o = {
        .sni = field(L, 2, "sni"),
        .verify_name = field(L, 2, "verify_name"),
        .ca_file = field(L, 2, "ca"),
        .min_version = field(L, 2, "min_version"),
        .max_version = field(L, 2, "max_version"),
        .ciphers = field(L, 2, "ciphers"),
        .ciphersuites = field(L, 2, "ciphersuites"),
        .groups = field(L, 2, "groups"),
        .alpn = field(L, 2, "alpn"),
        .cert_file = field(L, 2, "cert"),
        .key_file = field(L, 2, "key"),
    };
    struct err err = {""};
    handle_forget(h);
    int rc = conn_starttls(h->conn, &o, script_ms(number_field(L, 2, "timeout", 10)), &err);
    if (rc == 0)
        h->memory.smtp_enhanced = h->memory.smtp_utf8 =
            false; /* what was announced in clear is void */
    lua_pushboolean(L, rc == 0);
    lua_pushstring(L, err.text);
    return 2;
}

static void set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value != NULL ? value : "");
    lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* handle:tls() -> facts; in_tls says whether TLS runs now. */
static int l_tls(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    const struct conn_tls *f = conn_tls_facts(h->conn);
    lua_createtable(L, 0, 20);
    set_flag(L, "tried", f->tried);
    set_flag(L, "done", f->done);
    set_flag(L, "in_tls", conn_in_tls(h->conn));
    set_text(L, "version", f->version);
    set_text(L, "cipher", f->cipher);
    set_text(L, "group", f->group);
    set_text(L, "alpn", f->alpn);
    set_text(L, "sni", f->sni);
    set_flag(L, "chain_ok", f->chain_ok);
    set_text(L, "chain_why", f->chain_why);
    set_flag(L, "name_ok", f->name_ok);
    set_text(L, "subject", f->subject);
    set_text(L, "issuer", f->issuer);
    set_text(L, "not_after", f->not_after);
    set_text(L, "fingerprint", f->fingerprint);
    set_text(L, "alert", f->alert);
    set_flag(L, "resumed", f->resumed);
    lua_pushlstring(L, (const char *)f->binding_exporter, sizeof f->binding_exporter);
    lua_setfield(L, -2, "exporter");
    lua_pushlstring(L, (const char *)f->binding_unique, f->binding_unique_len);
    lua_setfield(L, -2, "unique");
    lua_pushlstring(L, (const char *)f->finished, f->finished_len);
    lua_setfield(L, -2, "finished");
    lua_pushlstring(L, (const char *)f->binding_end_point, f->binding_end_point_len);
    lua_setfield(L, -2, "end_point");
    return 1;
}

static int l_plaintext_left(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)conn_plaintext_left(script_check_handle(L)->conn));
    return 1;
}

/* handle:segment(bytes, seconds); 0, 0 is as usual */
static int l_segment(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n >= 0, 2, "a number of bytes");
    conn_segment(h->conn, (size_t)n, script_ms(luaL_checknumber(L, 3)));
    return 0;
}

/* handle:finish("shutdown" | "close" | "rude" | "reset") */
static int l_finish(lua_State *L)
{
    static const char *const ways[] = {"shutdown", "close", "rude", "reset", NULL};
    static void (*const calls[])(struct conn *) = {conn_shutdown, conn_close, conn_close_rude,
                                                   conn_reset};
    struct handle *h = script_check_handle(L);
    calls[luaL_checkoption(L, 2, NULL, ways)](h->conn);
    return 0;
}

/* handle:addresses() -> local host, port, peer host, port */
static int l_addresses(lua_State *L)
{
    struct handle *h = script_check_handle(L);
    char host[64] = "";
    uint16_t port = 0;
    conn_local(h->conn, host, sizeof host, &port);
    lua_pushstring(L, host);
    lua_pushinteger(L, port);
    conn_peer(h->conn, host, sizeof host, &port);
    lua_pushstring(L, host);
    lua_pushinteger(L, port);
    return 4;
}

static int l_number(lua_State *L)
{
    lua_pushinteger(L, conn_number(script_check_handle(L)->conn));
    return 1;
}

void script_add_conn(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"read", script_read},
        {"write", l_write},
        {"fill", l_fill},
        {"input", l_input},
        {"waiting", l_waiting},
        {"took", l_took},
        {"history", l_history},
        {"ended", l_ended},
        {"starttls", l_starttls},
        {"tls", l_tls},
        {"segment", l_segment},
        {"finish", l_finish},
        {"plaintext_left", l_plaintext_left},
        {"number", l_number},
        {"addresses", l_addresses},
        {"free", l_gc},
        {NULL, NULL},
    };
    lua_pushcfunction(L, l_connect);
    lua_setfield(L, -2, "connect");
    luaL_newmetatable(L, CONN);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
