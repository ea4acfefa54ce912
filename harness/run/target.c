/* Reads a target through harness/lua/target.lua, starts and stops its program, and asks Lua the
 * questions that the runner has: what a scenario is given, why it cannot run here.
 * SPDX-License-Identifier: MIT */
#include "run/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue/nearest.h"

enum { PORTS_WANTED = 20 };

static char *copy(const char *text)
{
    char *s = text != NULL ? strdup(text) : NULL;
    if (text != NULL && s == NULL)
        abort();
    return s;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    remove(path);
    return 0;
}

static void push_strings(lua_State *L, const struct words *w)
{
    lua_createtable(L, (int)w->n, 0);
    for (size_t i = 0; i < w->n; i++) {
        lua_pushstring(L, w->at[i]);
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text); /* NULL pushes nil */
    lua_setfield(L, -2, name);
}

static void push_json(lua_State *L, const json_t *v)
{
    const char *key;
    json_t *item;
    size_t i;
    luaL_checkstack(L, 4, NULL);
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        lua_newtable(L);
        json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
            push_json(L, item);
            lua_setfield(L, -2, key);
        }
        break;
    case JSON_ARRAY:
        lua_newtable(L);
        json_array_foreach (v, i, item) {
            push_json(L, item);
            lua_seti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(v));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(v));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(v));
        break;
    case JSON_NULL:
        lua_pushnil(L);
        break;
    }
}

int target_push_json(lua_State *L, const json_t *v)
{
    push_json(L, v);
    return 1;
}

/* Pushes function `name` of target.lua. */
static void push_function(const struct target *t, const char *name)
{
    lua_rawgeti(t->L, LUA_REGISTRYINDEX, t->module);
    lua_getfield(t->L, -1, name);
    lua_remove(t->L, -2);
}

/* Calls a function that gives a value, or nil and words. The value stays on the stack. */
static int call(lua_State *L, int args, struct err *err)
{
    if (lua_pcall(L, args, 2, 0) != LUA_OK) {
        err_set(err, "%s", luaL_tolstring(L, -1, NULL));
        lua_pop(L, 2);
        return -1;
    }
    if (!lua_toboolean(L, -2)) {
        err_set(err, "%s", lua_isstring(L, -1) ? lua_tostring(L, -1) : "no reason given");
        lua_pop(L, 2);
        return -1;
    }
    lua_pop(L, 1);
    return 0;
}

static int load_module(struct target *t, struct err *err)
{
    lua_State *L = t->L;
    char path[4096];
    int top = lua_gettop(L);
    snprintf(path, sizeof path, "%s/harness/lua/target.lua", t->home);
    /* Read once: a scenario's process that opens a target of its own has it from the runner. */
    if (lua_getfield(L, LUA_REGISTRYINDEX, path) == LUA_TNIL) {
        if (luaL_loadfile(L, path) != LUA_OK)
            goto bad;
        char beside[4096];
        snprintf(beside, sizeof beside, "%s/harness/lua/scenario.lua", t->home);
        if (luaL_dofile(L, beside) != LUA_OK || lua_pcall(L, 1, 1, 0) != LUA_OK)
            goto bad;
        lua_pushvalue(L, -1);
        lua_setfield(L, LUA_REGISTRYINDEX, path);
        lua_remove(L, top + 1);
    }
    t->module = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
bad:
    err_set(err, "%s", lua_tostring(L, -1));
    lua_settop(L, top);
    return -1;
}

/* A base so that base .. base+19 can be bound on loopback: below the range that the kernel gives to
 * clients. */
static int free_ports(void)
{
    for (int try = 0; try < 200; try++) {
        int base = 10000 + (int)(((unsigned)getpid() * 131 + (unsigned)try * 977) % 1000) * 20;
        bool all = true;
        for (int i = 0; i < PORTS_WANTED && all; i++) {
            struct sockaddr_in a = {.sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)(base + i)),
                                    .sin_addr.s_addr = htonl(INADDR_ANY)};
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            all = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
            if (fd >= 0)
                close(fd);
        }
        if (all)
            return base;
    }
    return 20000;
}

static int make_state(struct target *t, const char *parent, struct err *err)
{
    const char *tmp = parent != NULL ? parent : getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/mailproof-XXXXXX", tmp != NULL && *tmp != '\0' ? tmp : "/tmp");
    if (mkdtemp(path) == NULL)
        return err_errno(err, path);
    t->state = copy(path);
    return 0;
}

/* A path, or a bare name of scenarios/targets. */
static int find_file(const struct target *t, const char *name, char *path, size_t size,
                     struct err *err)
{
    if (strchr(name, '/') != NULL || (strlen(name) > 4 && strstr(name, ".lua") != NULL)) {
        snprintf(path, size, "%s", name);
        if (access(path, R_OK) == 0)
            return 0;
        return err_errno(err, path);
    }
    snprintf(path, size, "%s/scenarios/targets/%s.lua", t->home, name);
    if (access(path, R_OK) == 0)
        return 0;
    return err_set(err,
                   "--target %s: neither a URL like imap://host, nor a file, nor a target of "
                   "scenarios/targets",
                   name);
}

/* The flags that a scenario wants for its own server: a list, empty for none. */
static void push_flags(const struct target *t)
{
    lua_State *L = t->L;
    if (t->wish.flags != 0) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, t->wish.flags);
        lua_getfield(L, -1, "flags");
        lua_remove(L, -2);
        if (lua_istable(L, -1))
            return;
        lua_pop(L, 1);
    }
    lua_newtable(L);
}

/* The table `mailproof` that target files see. */
static void offer_globals(const struct target *t, const char *daemon, const struct words *faults,
                          const char *parent, int base)
{
    lua_State *L = t->L;
    lua_newtable(L);
    push_flags(t);
    lua_setfield(L, -2, "flags");
    set_text(L, "home", t->home);
    set_text(L, "state", t->state);
    set_text(L, "beside", parent);
    set_text(L, "daemon", daemon);
    lua_pushinteger(L, base);
    lua_setfield(L, -2, "port_base");
    push_strings(L, faults);
    lua_setfield(L, -2, "faults");
    lua_setglobal(L, "mailproof");
}

static int read_file(struct target *t, const char *name, const char *daemon,
                     const struct words *faults, const char *parent, struct err *err)
{
    lua_State *L = t->L;
    char path[4096];
    if (find_file(t, name, path, sizeof path, err) != 0 || make_state(t, parent, err) != 0)
        return -1;
    t->port_base = free_ports();
    offer_globals(t, daemon, faults, parent, t->port_base);
    push_function(t, "from_file");
    lua_pushstring(L, path);
    if (luaL_loadfile(L, path) != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK) {
        err_set(err, "%s", luaL_tolstring(L, -1, NULL));
        lua_pop(L, 4);
        return -1;
    }
    lua_pushcfunction(L, nearest_lua);
    return call(L, 3, err);
}

static int read_urls(struct target *t, const struct words *urls, struct err *err)
{
    push_function(t, "from_urls");
    push_strings(t->L, urls);
    lua_pushcfunction(t->L, nearest_lua);
    return call(t->L, 2, err);
}

static void take_facts(struct target *t)
{
    lua_State *L = t->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
    lua_getfield(L, -1, "name");
    snprintf(t->name, sizeof t->name, "%s", luaL_optstring(L, -1, "target"));
    lua_getfield(L, -2, "baseline");
    t->baseline = copy(lua_tostring(L, -1));
    lua_getfield(L, -3, "accounts");
    t->accounts = (size_t)luaL_len(L, -1);
    lua_getfield(L, -4, "throwaway");
    t->throwaway = lua_toboolean(L, -1);
    lua_getfield(L, -5, "faults");
    t->takes_faults = lua_toboolean(L, -1);
    lua_getfield(L, -6, "own_server");
    t->own_server = lua_toboolean(L, -1);
    lua_pop(L, 7);
}

/* parent: the folder in which the state folder is made, or NULL. */
static int open_below(struct target *t, lua_State *L, const char *home, const char *daemon,
                      const struct target_wish *wish, const char *parent, struct err *err)
{
    *t = (struct target){.L = L,
                         .ref = LUA_NOREF,
                         .module = LUA_NOREF,
                         .home = copy(home),
                         .wish = *wish,
                         .daemon = daemon};
    t->program.in = t->program.out = -1;
    t->log = copy(wish->log);
    if (load_module(t, err) != 0)
        goto bad;
    bool urls = wish->urls.n > 0 && strstr(wish->urls.at[0], "://") != NULL;
    if (!urls && wish->urls.n > 1) {
        err_set(err, "--target is either URLs of one server or one target file");
        goto bad;
    }
    const char *name = wish->urls.n > 0 ? wish->urls.at[0] : "mailproofd";
    int rc = urls ? read_urls(t, &wish->urls, err)
                  : read_file(t, name, daemon, &wish->faults, parent, err);
    if (rc != 0)
        goto bad;
    t->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    push_function(t, "apply");
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
    lua_newtable(L);
    push_strings(L, &wish->users);
    lua_setfield(L, -2, "users");
    set_text(L, "domain", wish->domain);
    set_text(L, "ca", wish->ca);
    set_text(L, "source", wish->source);
    set_text(L, "verify_name", wish->verify_name);
    if (call(L, 2, err) != 0)
        goto bad;
    lua_pop(L, 1);
    take_facts(t);
    if (wish->faults.n > 0 && !t->takes_faults) {
        err_set(err, "--fault is for mailproofd, not for %s", t->name);
        goto bad;
    }
    return 0;
bad:
    target_close(t);
    return -1;
}

int target_open(struct target *t, lua_State *L, const char *home, const char *daemon,
                const struct target_wish *wish, struct err *err)
{
    return open_below(t, L, home, daemon, wish, NULL, err);
}

/* The list of strings in field `name` of the target, NULL-terminated; NULL when it has none. The
 * strings are Lua's. */
static const char **command_of(const struct target *t, const char *name)
{
    lua_State *L = t->L;
    const char **argv = NULL;
    if (t->ref == LUA_NOREF)
        return NULL;
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
    lua_getfield(L, -1, name);
    if (lua_istable(L, -1) && luaL_len(L, -1) > 0) {
        size_t n = (size_t)luaL_len(L, -1);
        argv = calloc(n + 1, sizeof *argv);
        if (argv == NULL)
            abort();
        for (size_t i = 0; i < n; i++) {
            lua_geti(L, -1, (lua_Integer)i + 1);
            argv[i] = lua_tostring(L, -1);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 2);
    return argv;
}

/* Runs body with the environment that the target's commands get. */
struct environment {
    char home[4200], state[4200], base[64];
    const char *list[4];
};

static void fill_environment(const struct target *t, struct environment *e)
{
    snprintf(e->home, sizeof e->home, "MAILPROOF_HOME=%s", t->home);
    snprintf(e->state, sizeof e->state, "MAILPROOF_STATE=%s", t->state != NULL ? t->state : "");
    snprintf(e->base, sizeof e->base, "MAILPROOF_PORT_BASE=%d", t->port_base);
    e->list[0] = e->home;
    e->list[1] = e->state;
    e->list[2] = e->base;
    e->list[3] = NULL;
}

int target_start(struct target *t, double timeout_scale, struct err *err)
{
    int rc = -1;
    struct environment env = {0};
    json_t *ready = NULL;
    char log[4200];
    const char **argv = command_of(t, "start");
    if (argv == NULL)
        return 0;
    fill_environment(t, &env);
    lua_rawgeti(t->L, LUA_REGISTRYINDEX, t->ref);
    lua_getfield(t->L, -1, "ready_seconds");
    double patience = luaL_optnumber(t->L, -1, 30);
    lua_pop(t->L, 2);
    snprintf(log, sizeof log, "%s/stderr.log", t->state);
    if (program_start(&t->program, argv, env.list, t->home, t->log != NULL ? t->log : log, err) !=
        0)
        goto out;
    if (program_ready(&t->program, patience * timeout_scale, &ready, err) != 0)
        goto out;
    push_function(t, "ready");
    lua_rawgeti(t->L, LUA_REGISTRYINDEX, t->ref);
    push_json(t->L, ready);
    lua_pushcfunction(t->L, nearest_lua);
    if (call(t->L, 3, err) != 0)
        goto out;
    lua_pop(t->L, 1);
    rc = 0;
out:
    json_decref(ready);
    free(argv);
    return rc;
}

bool target_gives_own(const struct target *t, const struct scenario *s)
{
    return t->own_server && t->program.pid != 0 && (s->needs_control || t->own_for_all);
}

int target_start_own(struct target *own, const struct target *t, const struct scenario *s,
                     double timeout_scale, struct err *err)
{
    struct target_wish wish = t->wish;
    wish.log = NULL; /* the other one's */
    wish.flags = s->ref;
    if (open_below(own, t->L, t->home, t->daemon, &wish, t->state, err) != 0)
        return -1;
    if (target_start(own, timeout_scale, err) == 0)
        return 0;
    target_close(own);
    return -1;
}

bool target_alive(struct target *t, struct err *err)
{
    return program_alive(&t->program, err);
}

void target_close(struct target *t)
{
    if (t->L == NULL)
        return;
    bool started = t->program.pid > 0;
    program_stop(&t->program, 5);
    const char **stop = started ? command_of(t, "stop") : NULL;
    if (stop != NULL) {
        struct environment env = {0};
        fill_environment(t, &env);
        program_run(stop, env.list, t->home, NULL, 30);
        free(stop);
    }
    if (t->state != NULL)
        nftw(t->state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    luaL_unref(t->L, LUA_REGISTRYINDEX, t->ref);
    luaL_unref(t->L, LUA_REGISTRYINDEX, t->module);
    free(t->home);
    free(t->state);
    free(t->log);
    free(t->baseline);
    *t = (struct target){.ref = LUA_NOREF, .module = LUA_NOREF};
}

json_t *target_services(const struct target *t)
{
    lua_State *L = t->L;
    json_t *o = json_object();
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
    lua_getfield(L, -1, "services");
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        lua_getfield(L, -1, "host");
        lua_getfield(L, -2, "port");
        const char *host = luaL_optstring(L, -2, "");
        char text[512];
        snprintf(text, sizeof text, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d", host,
                 (int)lua_tointeger(L, -1));
        lua_pop(L, 2);
        json_object_set_new(o, lua_tostring(L, -2), json_string(text));
    }
    lua_pop(L, 2);
    return o;
}

/* A text of the target's, which its table keeps. */
static const char *text_of(const struct target *t, const char *name, const char *otherwise)
{
    lua_rawgeti(t->L, LUA_REGISTRYINDEX, t->ref);
    lua_getfield(t->L, -1, name);
    const char *text = luaL_optstring(t->L, -1, otherwise);
    lua_pop(t->L, 2);
    return text;
}

const char *target_software(const struct target *t)
{
    return text_of(t, "software", "");
}

const char *target_ca(const struct target *t)
{
    return text_of(t, "ca", NULL);
}

bool target_has_service(const struct target *t, const char *choice, char *found, size_t size)
{
    lua_State *L = t->L;
    push_function(t, "service_of");
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
    lua_pushstring(L, choice);
    if (lua_pcall(L, 2, 1, 0) != LUA_OK || !lua_isstring(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    snprintf(found, size, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    return true;
}

bool target_skips(const struct target *t, const struct scenario *s, int caps, bool allow, char *why,
                  size_t size)
{
    lua_State *L = t->L;
    push_function(t, "skip_reason");
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref);
    if (caps == LUA_NOREF)
        lua_pushnil(L);
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, caps);
    lua_pushboolean(L, allow);
    lua_pcall(L, 4, 1, 0);
    bool skips = lua_isstring(L, -1);
    if (skips)
        snprintf(why, size, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    return skips;
}

int target_push_context(const struct target *t, const struct scenario *s, const int *users,
                        size_t n, const char *marker, json_int_t seed, double timeout_scale,
                        struct err *err)
{
    lua_State *L = t->L;
    push_function(t, "context");
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
    if (s == NULL)
        lua_pushnil(L);
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushinteger(L, users[i] + 1);
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    lua_newtable(L);
    set_text(L, "marker", marker);
    set_text(L, "home", t->home);
    lua_pushinteger(L, (lua_Integer)seed);
    lua_setfield(L, -2, "seed");
    lua_pushnumber(L, timeout_scale);
    lua_setfield(L, -2, "timeout_scale");
    return call(L, 4, err);
}
