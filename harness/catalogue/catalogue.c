/* Finds the files, lets harness/lua/scenario.lua load and check them, and reads its tables into C.
 * SPDX-License-Identifier: MIT */
#include "catalogue/catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "catalogue/nearest.h"
#include "protocol/lint.h"

enum { DEEPEST = 8 }; /* folders below scenarios/ */

static void *take(void *p)
{
    if (p == NULL)
        abort(); /* out of memory ends the process */
    return p;
}

static void words_add(struct words *w, const char *word)
{
    w->at = take(realloc(w->at, (w->n + 1) * sizeof *w->at));
    w->at[w->n++] = word;
}

bool words_have(const struct words *w, const char *word)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->at[i], word) == 0)
            return true;
    return false;
}

int level_rank(const char *level)
{
    if (strncmp(level, "MUST", 4) == 0 || strcmp(level, "stated") == 0)
        return 3;
    return strncmp(level, "SHOULD", 6) == 0 ? 2 : 1;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void free_words(struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free((void *)(uintptr_t)w->at[i]);
    free(w->at);
    *w = (struct words){0};
}

/* Adds every *.lua below home/folder, as paths relative to home. */
static int find_files(const char *home, const char *folder, int depth, struct words *out,
                      struct err *err)
{
    int rc = -1;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", home, folder) >= (int)sizeof path)
        return err_set(err, "%s: the path is too long", folder);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return err_errno(err, path);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char name[4096], whole[4096];
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        if (snprintf(name, sizeof name, "%s/%s", folder, e->d_name) >= (int)sizeof name ||
            snprintf(whole, sizeof whole, "%s/%s", home, name) >= (int)sizeof whole) {
            err_set(err, "%s: the path is too long", folder);
            goto out;
        }
        if (stat(whole, &st) != 0)
            continue; /* a dangling link of an editor */
        size_t len = strlen(name);
        if (S_ISDIR(st.st_mode) && depth < DEEPEST) {
            if (find_files(home, name, depth + 1, out, err) != 0)
                goto out;
        } else if (S_ISREG(st.st_mode) && len > 4 && strcmp(name + len - 4, ".lua") == 0) {
            words_add(out, take(strdup(name)));
        }
    }
    rc = 0;
out:
    closedir(dir);
    return rc;
}

/* scenarios/PROTOCOL/… without the three folders that hold something else. */
static int find_scenarios(const char *home, struct words *out, struct err *err)
{
    static const char *const others[] = {"requirements", "targets", "messages"};
    int rc = -1;
    char path[4096], name[512];
    snprintf(path, sizeof path, "%s/scenarios", home);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return err_errno(err, path);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        struct stat st;
        bool other = e->d_name[0] == '.';
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            other = other || strcmp(e->d_name, others[i]) == 0;
        if (other || fstatat(dirfd(dir), e->d_name, &st, 0) != 0 || !S_ISDIR(st.st_mode))
            continue;
        snprintf(name, sizeof name, "scenarios/%s", e->d_name);
        if (find_files(home, name, 1, out, err) != 0)
            goto out;
    }
    rc = 0;
out:
    closedir(dir);
    return rc;
}

static void push_words(lua_State *L, struct words *w)
{
    if (w->n > 0)
        qsort(w->at, w->n, sizeof *w->at, by_text);
    lua_createtable(L, (int)w->n, 0);
    for (size_t i = 0; i < w->n; i++) {
        lua_pushstring(L, w->at[i]);
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
}

/* Fields of the table on top of the stack. The strings stay Lua's. */
static const char *text_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    lua_pop(L, 1);
    return text;
}

static double number_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    double value = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return value;
}

static bool true_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static struct words words_field(lua_State *L, const char *name)
{
    struct words w = {0};
    lua_getfield(L, -1, name);
    lua_Integer n = lua_istable(L, -1) ? luaL_len(L, -1) : 0;
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, -1, i);
        words_add(&w, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return w;
}

static void read_requirements(lua_State *L, struct catalogue *c)
{
    lua_getfield(L, -1, "requirement_list");
    c->requirements_n = (size_t)luaL_len(L, -1);
    c->requirements = take(calloc(c->requirements_n + 1, sizeof *c->requirements));
    for (size_t i = 0; i < c->requirements_n; i++) {
        struct requirement *r = &c->requirements[i];
        lua_geti(L, -1, (lua_Integer)i + 1);
        r->id = text_field(L, "id");
        r->section = text_field(L, "section");
        r->level = text_field(L, "level");
        r->test = text_field(L, "test");
        r->says = text_field(L, "says");
        r->rfc = (int)number_field(L, "rfc");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void read_scenarios(lua_State *L, struct catalogue *c, size_t rules)
{
    lua_getfield(L, -1, "scenarios");
    c->n = (size_t)luaL_len(L, -1);
    c->scenarios = take(calloc(c->n + rules + 1, sizeof *c->scenarios));
    for (size_t i = 0; i < c->n; i++) {
        struct scenario *s = &c->scenarios[i];
        lua_geti(L, -1, (lua_Integer)i + 1);
        s->id = text_field(L, "id");
        s->file = text_field(L, "file");
        s->line = (int)number_field(L, "line");
        s->title = text_field(L, "title");
        s->says = text_field(L, "says");
        s->why = text_field(L, "why");
        s->level = text_field(L, "level");
        s->section = text_field(L, "section");
        s->protocol = text_field(L, "protocol");
        s->rfc = (int)number_field(L, "rfc");
        s->users = (int)number_field(L, "users");
        s->timeout = number_field(L, "timeout");
        s->serial = true_field(L, "serial");
        s->needs_control = true_field(L, "needs_control");
        s->destructive = true_field(L, "destructive");
        s->messages = true_field(L, "messages");
        s->proves = words_field(L, "proves");
        s->catches = words_field(L, "catches");
        s->services = words_field(L, "services");
        s->needs = words_field(L, "needs");
        s->tags = words_field(L, "tags");
        s->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_pop(L, 1);
}

static void add_problem(lua_State *L, struct catalogue *c, const char *text)
{
    lua_getfield(L, -1, "problems");
    lua_pushstring(L, text);
    words_add(&c->problems, lua_tostring(L, -1));
    lua_seti(L, -2, luaL_len(L, -2) + 1); /* keeps the string alive */
    lua_pop(L, 1);
}

/* "lint/smtp/code-range" -> smtp; the string is kept by the catalogue's Lua table. */
static const char *rule_protocol(const char *name)
{
    static const char *const known[] = {"smtp", "imap", "pop3"};
    for (size_t i = 0; i < 3; i++)
        if (strncmp(name, "lint/", 5) == 0 && strncmp(name + 5, known[i], 4) == 0)
            return known[i];
    return "";
}

static void add_rule(lua_State *L, struct catalogue *c, const struct lint_rule *rule)
{
    const struct requirement *r = catalogue_requirement(c, rule->proves);
    if (r == NULL) {
        char text[512];
        snprintf(text, sizeof text, "harness/protocol/lint.c: %s: unknown requirement \"%s\"",
                 rule->name, rule->proves);
        add_problem(L, c, text);
        return;
    }
    struct scenario *s = &c->scenarios[c->n++];
    *s = (struct scenario){
        .id = rule->name,
        .file = "harness/protocol/lint.c",
        .line = 1,
        .title = rule->title,
        .says = rule->says,
        .why = "",
        .level = r->level,
        .section = r->section,
        .rfc = r->rfc,
        .protocol = rule_protocol(rule->name),
        .ref = LUA_NOREF,
        .lint = rule,
    };
    words_add(&s->proves, rule->proves);
    for (size_t i = 0; rule->catches[i] != NULL; i++)
        words_add(&s->catches, rule->catches[i]);
}

int catalogue_load(lua_State *L, const char *home, struct catalogue *out, struct err *err)
{
    int rc = -1, top = lua_gettop(L);
    struct words requirements = {0}, scenarios = {0};
    char path[4096];
    *out = (struct catalogue){.ref = LUA_NOREF};
    if (find_files(home, "scenarios/requirements", DEEPEST, &requirements, err) != 0 ||
        find_scenarios(home, &scenarios, err) != 0)
        goto out;
    snprintf(path, sizeof path, "%s/harness/lua/scenario.lua", home);
    if (luaL_dofile(L, path) != LUA_OK) {
        err_set(err, "%s", lua_tostring(L, -1));
        goto out;
    }
    lua_getfield(L, -1, "load");
    lua_pushstring(L, home);
    lua_createtable(L, 0, 2);
    push_words(L, &requirements);
    lua_setfield(L, -2, "requirements");
    push_words(L, &scenarios);
    lua_setfield(L, -2, "scenarios");
    lua_pushcfunction(L, nearest_lua);
    if (lua_pcall(L, 3, 1, 0) != LUA_OK) {
        err_set(err, "%s", lua_tostring(L, -1));
        goto out;
    }
    size_t rules = 0;
    while (lint_rules[rules].name != NULL)
        rules++;
    read_requirements(L, out);
    read_scenarios(L, out, rules);
    out->problems = words_field(L, "problems");
    for (size_t i = 0; i < rules; i++)
        add_rule(L, out, &lint_rules[i]);
    out->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    rc = 0;
out:
    lua_settop(L, top);
    free_words(&requirements);
    free_words(&scenarios);
    return rc;
}

void catalogue_clear(lua_State *L, struct catalogue *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct scenario *s = &c->scenarios[i];
        free(s->proves.at);
        free(s->catches.at);
        free(s->services.at);
        free(s->needs.at);
        free(s->tags.at);
        luaL_unref(L, LUA_REGISTRYINDEX, s->ref);
    }
    free(c->scenarios);
    free(c->requirements);
    free(c->problems.at);
    luaL_unref(L, LUA_REGISTRYINDEX, c->ref);
    *c = (struct catalogue){.ref = LUA_NOREF};
}

size_t catalogue_print_problems(const struct catalogue *c, FILE *out)
{
    for (size_t i = 0; i < c->problems.n; i++)
        fprintf(out, "%s\n", c->problems.at[i]);
    return c->problems.n;
}

const struct scenario *catalogue_find(const struct catalogue *c, const char *id)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->scenarios[i].id, id) == 0)
            return &c->scenarios[i];
    return NULL;
}

const struct requirement *catalogue_requirement(const struct catalogue *c, const char *id)
{
    for (size_t i = 0; i < c->requirements_n; i++)
        if (strcmp(c->requirements[i].id, id) == 0)
            return &c->requirements[i];
    return NULL;
}

const char *catalogue_rfc_title(lua_State *L, const struct catalogue *c, int rfc)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->ref);
    lua_getfield(L, -1, "rfcs");
    lua_geti(L, -1, rfc);
    const char *title = lua_isstring(L, -1) ? lua_tostring(L, -1) : ""; /* kept by the table */
    lua_pop(L, 3);
    return title;
}
