/* The bridge of render.h between a run that was read back and the renderers, which are Lua. Lua
 * gets tables for everything small at once; the events of a scenario become tables only when a
 * renderer asks for them, and transcripts are made in C, so that every report shows the same one.
 * SPDX-License-Identifier: MIT */
#include "run/render.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalogue/nearest.h"
#include "evidence/transcript.h"
#include "run/readback.h"

#define RUN "mail.run" /* the userdata that keeps the JSON; also its place in the registry */
#define LOADED "mail.run.loaded" /* the table `run` in the registry */
#define TEXT_LIMIT ((size_t)8 << 20)
#define KINDS_LIMIT 100

struct render {
    struct readback read;
    struct buf
        scratch; /* text on its way to Lua: kept here, so that an error of Lua leaks nothing */
    struct transcript transcript;
    char folder[PATH_MAX]; /* where the first run.jsonl is */
    char home[PATH_MAX];
};

static int render_gc(lua_State *L)
{
    struct render *r = luaL_checkudata(L, 1, RUN);
    readback_clear(&r->read);
    buf_clear(&r->scratch);
    transcript_clear(&r->transcript);
    return 0;
}

/* --- JSON into Lua -------------------------------------------------------------------------------
 */

static void push_json(lua_State *L, const json_t *value)
{
    luaL_checkstack(L, 4, "JSON is nested too deeply");
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        const char *key;
        json_t *member;
        lua_createtable(L, 0, (int)json_object_size(value));
        for (void *it = json_object_iter((json_t *)(uintptr_t)value); it != NULL;
             it = json_object_iter_next((json_t *)(uintptr_t)value, it)) {
            key = json_object_iter_key(it);
            member = json_object_iter_value(it);
            push_json(L, member);
            lua_setfield(L, -2, key);
        }
        break;
    }
    case JSON_ARRAY:
        lua_createtable(L, (int)json_array_size(value), 0);
        for (size_t i = 0; i < json_array_size(value); i++) {
            push_json(L, json_array_get(value, i));
            lua_seti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(value));
        break;
    case JSON_NULL:
        lua_pushnil(L);
        break;
    }
}

/* --- what a renderer can call --------------------------------------------------------------------
 */

static struct render *upvalue_render(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* The events of the scenario that the first argument, one of run.cases, stands for. */
static const json_t *events_of(lua_State *L, const struct render *r)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushliteral(L, "index");
    lua_rawget(L, 1);
    size_t index = (size_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    const json_t *c = json_array_get(r->read.cases, index - 1);
    luaL_argcheck(L, c != NULL, 1, "not one of run.cases");
    return json_object_get(c, "events");
}

/* Behind case.events: made when first asked for. */
static int l_case_index(lua_State *L)
{
    const char *key = lua_tostring(L, 2);
    if (key == NULL || strcmp(key, "events") != 0)
        return 0;
    push_json(L, events_of(L, upvalue_render(L)));
    lua_pushliteral(L, "events");
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

static void set_text(lua_State *L, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        lua_pushstring(L, text);
        lua_setfield(L, -2, key);
    }
}

static void set_flag(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

/* run.lines(case, failed) -> { { kind, at, conn, bytes, lost, text, where, ok, tls, here }, … } */
static int l_lines(lua_State *L)
{
    struct render *r = upvalue_render(L);
    const json_t *events = events_of(L, r);
    transcript_clear(&r->transcript);
    transcript_init(&r->transcript, events, lua_toboolean(L, 2));
    lua_createtable(L, (int)r->transcript.count, 0);
    for (size_t i = 0; i < r->transcript.count; i++) {
        const struct transcript_line *l = &r->transcript.lines[i];
        lua_createtable(L, 0, 8);
        set_text(L, "kind", transcript_kind_names[l->kind]);
        set_text(L, "conn", l->conn);
        set_text(L, "text", l->text);
        set_text(L, "where", l->where);
        lua_pushnumber(L, l->at);
        lua_setfield(L, -2, "at");
        if (l->bytes != NULL) {
            lua_pushlstring(L, (const char *)l->bytes, l->len);
            lua_setfield(L, -2, "bytes");
        }
        if (l->lost > 0) {
            lua_pushinteger(L, (lua_Integer)l->lost);
            lua_setfield(L, -2, "lost");
        }
        set_flag(L, "ok", l->ok);
        set_flag(L, "tls", l->tls);
        set_flag(L, "here", l->here);
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    transcript_clear(&r->transcript);
    return 1;
}

static lua_Integer int_field(lua_State *L, int table, const char *key)
{
    lua_getfield(L, table, key);
    lua_Integer v = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return v > 0 ? v : 0;
}

static bool bool_field(lua_State *L, int table, const char *key)
{
    lua_getfield(L, table, key);
    bool v = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return v;
}

/* run.text(case, failed, { indent, steps, most_lines, most_bytes, last, color }) -> string */
static int l_text(lua_State *L)
{
    struct render *r = upvalue_render(L);
    struct transcript_style style = {0};
    const json_t *events = events_of(L, r);
    if (lua_istable(L, 3)) {
        style.indent = (int)int_field(L, 3, "indent");
        style.steps = bool_field(L, 3, "steps");
        style.most_lines = (size_t)int_field(L, 3, "most_lines");
        style.most_bytes = (size_t)int_field(L, 3, "most_bytes");
        style.last = (size_t)int_field(L, 3, "last");
        style.color = bool_field(L, 3, "color");
    }
    buf_clear(&r->scratch);
    transcript_text(events, lua_toboolean(L, 2), &style, &r->scratch);
    lua_pushlstring(L, r->scratch.len > 0 ? (const char *)r->scratch.data : "", r->scratch.len);
    buf_clear(&r->scratch);
    return 1;
}

/* run.escape(bytes) -> string of printable ASCII */
static int l_escape(lua_State *L)
{
    struct render *r = upvalue_render(L);
    size_t n;
    const char *p = luaL_checklstring(L, 1, &n);
    buf_clear(&r->scratch);
    transcript_escape((const unsigned char *)p, n, &r->scratch);
    lua_pushlstring(L, r->scratch.len > 0 ? (const char *)r->scratch.data : "", r->scratch.len);
    buf_clear(&r->scratch);
    return 1;
}

/* run.base64(text) -> bytes */
static int l_base64(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    luaL_Buffer b;
    luaL_argcheck(L, n % 4 == 0 && n < INT_MAX, 1, "not base64");
    unsigned char *out = (unsigned char *)luaL_buffinitsize(L, &b, n / 4 * 3 + 1);
    int got = n > 0 ? EVP_DecodeBlock(out, (const unsigned char *)text, (int)n) : 0;
    luaL_argcheck(L, got >= 0, 1, "not base64");
    size_t padding = n > 0 ? (size_t)(text[n - 1] == '=') + (text[n - 2] == '=') : 0;
    luaL_pushresultsize(&b, (size_t)got - padding);
    return 1;
}

/* run.sha256(bytes) -> base64 of the hash, as Content-Security-Policy names scripts */
static int l_sha256(lua_State *L)
{
    unsigned char hash[EVP_MAX_MD_SIZE], text[2 * EVP_MAX_MD_SIZE];
    size_t n;
    unsigned int len = 0;
    const char *p = luaL_checklstring(L, 1, &n);
    if (EVP_Digest(p, n, hash, &len, EVP_sha256(), NULL) != 1)
        return luaL_error(L, "SHA-256 is not available");
    lua_pushlstring(L, (const char *)text, (size_t)EVP_EncodeBlock(text, hash, (int)len));
    return 1;
}

/* --- building `run` ------------------------------------------------------------------------------
 */

static void push_cases(lua_State *L, int self, const struct render *r)
{
    lua_createtable(L, (int)json_array_size(r->read.cases), 0);
    lua_createtable(L, 0, 1); /* the metatable of all cases */
    lua_pushvalue(L, self);
    lua_pushcclosure(L, l_case_index, 1);
    lua_setfield(L, -2, "__index");
    for (size_t i = 0; i < json_array_size(r->read.cases); i++) {
        const json_t *c = json_array_get(r->read.cases, i);
        lua_createtable(L, 0, 4);
        push_json(L, json_object_get(c, "start"));
        lua_setfield(L, -2, "start");
        if (json_object_get(c, "finish") != NULL) {
            push_json(L, json_object_get(c, "finish"));
            lua_setfield(L, -2, "finish");
        }
        lua_pushinteger(L, (lua_Integer)i + 1);
        lua_setfield(L, -2, "index");
        lua_pushvalue(L, -2);
        lua_setmetatable(L, -2);
        lua_seti(L, -3, (lua_Integer)i + 1);
    }
    lua_pop(L, 1);
}

static void push_requirement_files(lua_State *L, const struct render *r)
{
    char folder[PATH_MAX + 32];
    snprintf(folder, sizeof folder, "%s/scenarios/requirements", r->home);
    lua_newtable(L);
    DIR *d = opendir(folder);
    if (d == NULL)
        return;
    lua_Integer n = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (strncmp(e->d_name, "rfc", 3) != 0 || len < 5 ||
            strcmp(e->d_name + len - 4, ".lua") != 0)
            continue;
        lua_pushfstring(L, "%s/%s", folder, e->d_name);
        lua_seti(L, -2, ++n);
    }
    closedir(d);
}

/* Renderers say require "reports.lib.words": the home folder is where Lua looks first. */
static void set_package_path(lua_State *L, const char *home)
{
    lua_getglobal(L, "package");
    if (!lua_istable(L, -1))
        luaL_error(L, "Lua's package library is missing");
    lua_getfield(L, -1, "path");
    const char *old = lua_tostring(L, -1);
    const char *mine = lua_pushfstring(L, "%s/?.lua;", home);
    if (old == NULL || strncmp(old, mine, strlen(mine)) != 0) {
        lua_pushfstring(L, "%s%s", mine, old != NULL ? old : "");
        lua_setfield(L, -4, "path");
    }
    lua_pop(L, 3);
}

static void set_function(lua_State *L, int self, const char *name, lua_CFunction f)
{
    lua_pushvalue(L, self);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

/* Runs protected: the userdata is argument 1, `run` the result; reports/lib/run.lua completes it.
 */
static int build(lua_State *L)
{
    const struct render *r = luaL_checkudata(L, 1, RUN);
    set_package_path(L, r->home);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "reports.lib.run");
    lua_call(L, 1, 1);
    lua_newtable(L);
    push_json(L, r->read.starts);
    lua_setfield(L, -2, "starts");
    lua_newtable(L); /* ends: a run that was cut short leaves a hole */
    for (size_t i = 0; i < json_array_size(r->read.ends); i++) {
        push_json(L, json_array_get(r->read.ends, i));
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "ends");
    push_json(L, r->read.troubles);
    lua_setfield(L, -2, "troubles");
    push_cases(L, 1, r);
    lua_setfield(L, -2, "cases");
    push_requirement_files(L, r);
    lua_setfield(L, -2, "requirement_files");
    lua_newtable(L);
    lua_setfield(L, -2, "options");
    lua_pushstring(L, r->home);
    lua_setfield(L, -2, "home");
    lua_pushstring(L, r->folder);
    lua_setfield(L, -2, "folder");
    set_function(L, 1, "lines", l_lines);
    set_function(L, 1, "text", l_text);
    set_function(L, 1, "escape", l_escape);
    set_function(L, 1, "base64", l_base64);
    set_function(L, 1, "sha256", l_sha256);
    lua_call(L, 1, 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    return 1;
}

static int with_traceback(lua_State *L)
{
    const char *text = lua_tostring(L, 1);
    luaL_traceback(L, L, text != NULL ? text : "an error that is no text", 1);
    return 1;
}

/* "text of the error"; its traceback follows on further lines, cut to what struct err holds. */
static int lua_failed(lua_State *L, const char *what, struct err *err)
{
    const char *text = lua_tostring(L, -1);
    err_set(err, "%s: %s", what, text != NULL ? text : "an error that is no text");
    lua_pop(L, 1);
    return -1;
}

int render_load(lua_State *L, const char *home, const char *const *jsonl_paths, size_t n,
                struct err *err)
{
    int top = lua_gettop(L), rc = -1;
    if (n == 0)
        return err_set(err, "no run to report on");
    struct render *r = lua_newuserdatauv(L, sizeof *r, 0);
    *r = (struct render){.scratch = {.limit = TEXT_LIMIT}};
    if (luaL_newmetatable(L, RUN)) {
        lua_pushcfunction(L, render_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    const char *slash = strrchr(jsonl_paths[0], '/');
    size_t folder = slash != NULL ? (size_t)(slash - jsonl_paths[0]) : 0;
    if (strlen(home) >= sizeof r->home || folder >= sizeof r->folder) {
        err_set(err, "%s: the path is too long", jsonl_paths[0]);
        goto out;
    }
    strcpy(r->home, home);
    memcpy(r->folder, folder > 0 ? jsonl_paths[0] : ".", folder > 0 ? folder : 1);
    if (readback_load(&r->read, jsonl_paths, n, err) != 0)
        goto out;

    lua_pushcfunction(L, with_traceback);
    lua_pushcfunction(L, build);
    lua_pushvalue(L, top + 1);
    if (lua_pcall(L, 1, 1, top + 2) != LUA_OK) {
        lua_failed(L, "reports", err);
        goto out;
    }
    lua_setfield(L, LUA_REGISTRYINDEX, LOADED);
    lua_pushvalue(L, top + 1);
    lua_setfield(L, LUA_REGISTRYINDEX, RUN ".json");
    rc = 0;
out:
    lua_settop(L, top);
    return rc;
}

void render_option(lua_State *L, const char *name, const char *value)
{
    int top = lua_gettop(L);
    if (lua_getfield(L, LUA_REGISTRYINDEX, LOADED) == LUA_TTABLE) {
        lua_getfield(L, -1, "options");
        lua_pushstring(L, value);
        lua_setfield(L, -2, name);
    }
    lua_settop(L, top);
}

/* --- renderers -----------------------------------------------------------------------------------
 */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The kinds there are, by their file names, sorted; the caller frees each. */
static size_t list_kinds(const char *home, char **kinds, size_t most)
{
    char folder[PATH_MAX + 16];
    size_t n = 0;
    snprintf(folder, sizeof folder, "%s/reports", home);
    DIR *d = opendir(folder);
    if (d == NULL)
        return 0;
    for (struct dirent *e; n < most && (e = readdir(d)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len > 4 && strcmp(e->d_name + len - 4, ".lua") == 0)
            kinds[n++] = err_need(strndup(e->d_name, len - 4));
    }
    closedir(d);
    qsort(kinds, n, sizeof *kinds, by_name);
    return n;
}

static int unknown_kind(const char *home, const char *kind, struct err *err)
{
    char *kinds[KINDS_LIMIT], all[256] = "";
    size_t n = list_kinds(home, kinds, KINDS_LIMIT);
    const char *near = nearest(kind, (const char *const *)kinds, n);
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "", kinds[i]);
    }
    err_set(err, "no report format \"%s\"%s%s%s (there are %s)", kind,
            near != NULL ? ": did you mean \"" : "", near != NULL ? near : "",
            near != NULL ? "\"?" : "", all[0] != '\0' ? all : "none");
    for (size_t i = 0; i < n; i++)
        free(kinds[i]);
    return -1;
}

/* Pushes the renderer's table. A kind with a slash in it is the path of a file. */
static int load_renderer(lua_State *L, const char *home, const char *kind, struct err *err)
{
    char path[PATH_MAX];
    int n = strchr(kind, '/') != NULL
                ? snprintf(path, sizeof path, "%s", kind)
                : snprintf(path, sizeof path, "%s/reports/%s.lua", home, kind);
    if (n < 0 || (size_t)n >= sizeof path || access(path, R_OK) != 0)
        return unknown_kind(home, kind, err);
    if (luaL_loadfilex(L, path, "t") != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK)
        return lua_failed(L, "report", err);
    if (!lua_istable(L, -1) || lua_getfield(L, -1, "render") != LUA_TFUNCTION) {
        lua_settop(L, -2);
        return err_set(err, "%s: does not return a table with a render function", path);
    }
    lua_pop(L, 1);
    return 0;
}

/* Where a renderer's output goes: a file or a buffer. */
struct output {
    FILE *file;
    struct buf *buf;
    bool full;
};

static int l_write(lua_State *L)
{
    struct output *o = lua_touserdata(L, lua_upvalueindex(1));
    for (int i = 1; i <= lua_gettop(L); i++) {
        size_t n;
        const char *p = luaL_checklstring(L, i, &n);
        if (o->file != NULL)
            fwrite(p, 1, n, o->file);
        else if (!buf_add(o->buf, p, n))
            o->full = true;
    }
    return 0;
}

/* Runs the renderer on top of the stack and takes it off. */
static int call_renderer(lua_State *L, const char *kind, struct output *o, struct err *err)
{
    int renderer = lua_gettop(L), rc = 0;
    lua_pushcfunction(L, with_traceback);
    lua_getfield(L, renderer, "render");
    if (lua_getfield(L, LUA_REGISTRYINDEX, LOADED) != LUA_TTABLE) {
        lua_settop(L, renderer - 1);
        return err_set(err, "no run is loaded");
    }
    lua_pushlightuserdata(L, o);
    lua_pushcclosure(L, l_write, 1);
    if (lua_pcall(L, 2, 0, renderer + 1) != LUA_OK) {
        char what[128];
        snprintf(what, sizeof what, "report %.100s", kind);
        rc = lua_failed(L, what, err);
    } else if (o->full) {
        rc = err_set(err, "report %s: too long", kind);
    }
    lua_settop(L, renderer - 1);
    return rc;
}

static const struct render *loaded(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, RUN ".json");
    const struct render *r = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return r;
}

static int write_file(lua_State *L, const char *kind, const char *path, struct err *err)
{
    int rc = -1;
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.part%ld", path, (long)getpid()) < 0)
        err_need(NULL);
    struct output o = {.file = fopen(temporary, "we")};
    if (o.file == NULL) {
        lua_pop(L, 1);
        err_errno(err, path);
        goto out;
    }
    rc = call_renderer(L, kind, &o, err);
    bool broken = ferror(o.file) != 0;
    if ((fclose(o.file) != 0 || broken) && rc == 0)
        rc = err_errno(err, path);
    if (rc == 0 && rename(temporary, path) != 0)
        rc = err_errno(err, path);
    if (rc != 0)
        unlink(temporary);
out:
    free(temporary);
    return rc;
}

int render_write(lua_State *L, const char *kind, const char *dir, const char *path, struct err *err)
{
    const struct render *r = loaded(L);
    if (r == NULL)
        return err_set(err, "no run is loaded");
    if (load_renderer(L, r->home, kind, err) != 0)
        return -1;
    if (path != NULL && strcmp(path, "-") == 0) {
        struct output o = {.file = stdout};
        if (call_renderer(L, kind, &o, err) != 0)
            return -1;
        return fflush(stdout) == 0 ? 0 : err_errno(err, "standard output");
    }
    char whole[PATH_MAX * 2];
    if (path == NULL) {
        lua_getfield(L, -1, "file");
        const char *file = lua_tostring(L, -1);
        snprintf(whole, sizeof whole, "%s/%s", dir != NULL ? dir : r->folder,
                 file != NULL ? file : kind);
        lua_pop(L, 1);
        path = whole;
    }
    return write_file(L, kind, path, err);
}

int render_text(lua_State *L, const char *kind, struct buf *b, struct err *err)
{
    const struct render *r = loaded(L);
    struct output o = {.buf = b};
    if (r == NULL)
        return err_set(err, "no run is loaded");
    return load_renderer(L, r->home, kind, err) == 0 ? call_renderer(L, kind, &o, err) : -1;
}

static int l_package_path(lua_State *L)
{
    set_package_path(L, luaL_checkstring(L, 1));
    return 0;
}

int render_kinds(lua_State *L, const char *home, struct buf *b, struct err *err)
{
    char *kinds[KINDS_LIMIT];
    size_t n = list_kinds(home, kinds, KINDS_LIMIT);
    int rc = 0, top = lua_gettop(L);
    lua_pushcfunction(L, l_package_path);
    lua_pushstring(L, home);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        rc = lua_failed(L, "reports", err);
    for (size_t i = 0; i < n; i++) {
        struct err why;
        if (rc == 0 && load_renderer(L, home, kinds[i], &why) == 0) {
            lua_getfield(L, -1, "file");
            lua_getfield(L, -2, "about");
            buf_printf(b, "%s\t%s\t%s\n", kinds[i], luaL_optstring(L, -2, ""),
                       luaL_optstring(L, -1, ""));
        } else if (rc == 0) {
            buf_printf(b, "%s\t\tbroken: %s\n", kinds[i], why.text);
        }
        lua_settop(L, top);
        free(kinds[i]);
    }
    return rc;
}
