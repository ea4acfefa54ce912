/* Reads profiles (Lua that returns a table, with nothing in reach) and expectation files.
 * SPDX-License-Identifier: MIT */
#include "ports/report/profile.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const ports_verdict_words[PORTS_VERDICTS] = {"pass", "fail", "weak", "noted", "skip"};

void profile_default(struct profile *p)
{
    memset(p, 0, sizeof *p);
    (void)snprintf(p->name, sizeof p->name, "default");
    (void)snprintf(p->about, sizeof p->about, "the levels of the RFCs");
    for (int i = 0; i < CHECKS; i++)
        p->levels[i] = checks[i].level;
}

static int set_level(struct profile *p, const char *key, const char *word, struct err *err)
{
    char *end = NULL;
    long port = strtol(key, &end, 10);
    const char *id = *end == '/' && end != key ? end + 1 : key;
    int check = check_of(id), level = check_level_of(word);
    if (check < 0)
        return err_set(err, "there is no check \"%s\"", id);
    if (level < 0)
        return err_set(
            err, "%s: \"%s\" is no level (off, INFO, MAY, SHOULD, SHOULD NOT, MUST, MUST NOT)", key,
            word);
    if (id == key) {
        p->levels[check] = (enum check_level)level;
        return 0;
    }
    if (port < 1 || port > 65535 || p->rules_n == PROFILE_PORT_RULES)
        return err_set(err, "%s: no such port, or too many rules", key);
    p->rules[p->rules_n].port = (uint16_t)port;
    p->rules[p->rules_n].id = (enum check_id)check;
    p->rules[p->rules_n++].level = (enum check_level)level;
    return 0;
}

static int read_table(struct profile *p, lua_State *L, struct err *err)
{
    if (!lua_istable(L, -1))
        return err_set(err, "it does not return a table");
    (void)lua_getfield(L, -1, "name");
    (void)lua_getfield(L, -2, "about");
    if (lua_type(L, -2) == LUA_TSTRING)
        (void)snprintf(p->name, sizeof p->name, "%s", lua_tostring(L, -2));
    if (lua_type(L, -1) == LUA_TSTRING)
        (void)snprintf(p->about, sizeof p->about, "%s", lua_tostring(L, -1));
    lua_pop(L, 2);
    if (lua_getfield(L, -1, "levels") != LUA_TTABLE)
        return err_set(err, "it has no table \"levels\"");
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            return err_set(err, "levels: a check and its level, both in quotes, were expected");
        if (set_level(p, lua_tostring(L, -2), lua_tostring(L, -1), err) != 0)
            return -1;
    }
    return 0;
}

int profile_load(struct profile *p, const char *home, const char *which, struct err *err)
{
    char path[4096];
    struct err why = {{0}};
    int rc = -1;
    profile_default(p);
    if (strcmp(which, "default") == 0)
        return 0;
    if (strchr(which, '/') != NULL || strstr(which, ".lua") != NULL)
        (void)snprintf(path, sizeof path, "%s", which);
    else
        (void)snprintf(path, sizeof path, "%s/harness/lua/ports/%s.lua", home, which);
    lua_State *L = luaL_newstate();
    err_need(L);
    (void)snprintf(p->name, sizeof p->name, "%.60s", which);
    /* No library is opened: a profile is data. */
    if (luaL_loadfilex(L, path, "t") != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK)
        (void)err_set(err, "profile %s: %s", which, lua_tostring(L, -1));
    else if (read_table(p, L, &why) != 0)
        (void)err_set(err, "profile %s: %s", path, why.text);
    else
        rc = 0;
    lua_close(L);
    return rc;
}

enum check_level profile_level(const struct profile *p, uint16_t port, enum check_id id)
{
    for (int i = 0; i < p->rules_n; i++)
        if (p->rules[i].port == port && p->rules[i].id == id)
            return p->rules[i].level;
    return p->levels[id];
}

enum ports_verdict profile_verdict(const struct profile *p, uint16_t port, enum check_id id,
                                   const struct finding *f)
{
    enum check_level level = profile_level(p, port, id);
    if (level == LEVEL_OFF)
        return PORTS_SKIP;
    switch (f->kind) {
    case FINDING_GOOD:
        return PORTS_PASS;
    case FINDING_FACT:
        return PORTS_NOTED;
    case FINDING_BAD:
        return level >= LEVEL_MUST ? PORTS_FAIL : level >= LEVEL_SHOULD ? PORTS_WEAK : PORTS_NOTED;
    case FINDING_NONE:
    case FINDING_NOT_HERE:
    case FINDING_UNTESTED:
        break;
    }
    return PORTS_SKIP;
}

static int one_line(struct expected *e, char *text, int number, struct err *err)
{
    char *id = strsep(&text, "\t"), *word = text != NULL ? strsep(&text, "\t") : NULL;
    if (word == NULL || text == NULL || *text == '\0')
        return err_set(err, "%s:%d: check, verdict and reason were expected, with tabs between",
                       e->path, number);
    if (e->n == EXPECTED_MOST)
        return err_set(err, "%s:%d: more than %d lines", e->path, number, EXPECTED_MOST);
    struct expected_line *l = &e->at[e->n];
    char *slash = strchr(id, '/'), *end = NULL;
    *l = (struct expected_line){.port = -1, .line = number};
    if (slash != NULL) {
        l->port = strncmp(id, "host/", 5) == 0 ? 0 : (int)strtol(id, &end, 10);
        if (l->port < 0 || l->port > 65535 || (end != NULL && end != slash))
            return err_set(err, "%s:%d: \"%s\" is no PORT/CHECK", e->path, number, id);
    }
    int check = check_of(slash != NULL ? slash + 1 : id);
    if (check < 0)
        return err_set(err, "%s:%d: there is no check \"%s\"", e->path, number, id);
    l->id = (enum check_id)check;
    if (strcmp(word, "fail") == 0 || strcmp(word, "fail?") == 0)
        l->verdict = PORTS_FAIL;
    else if (strcmp(word, "weak") == 0 || strcmp(word, "weak?") == 0)
        l->verdict = PORTS_WEAK;
    else
        return err_set(err, "%s:%d: fail or weak was expected, not \"%s\"", e->path, number, word);
    l->met = strchr(word, '?') != NULL; /* by luck: it need not fail today */
    (void)snprintf(l->reason, sizeof l->reason, "%s", text);
    e->n++;
    return 0;
}

int expected_load(struct expected *e, const char *path, struct err *err)
{
    char line[1024];
    int number = 0, rc = 0;
    e->n = 0;
    (void)snprintf(e->path, sizeof e->path, "%s", path);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return err_errno(err, path);
    while (rc == 0 && fgets(line, sizeof line, f) != NULL) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] != '\0' && line[0] != '#')
            rc = one_line(e, line, number, err);
    }
    (void)fclose(f);
    return rc;
}

const struct expected_line *expected_judge(struct expected *e, uint16_t port, enum check_id id,
                                           enum ports_verdict v)
{
    for (int i = 0; i < e->n; i++) {
        struct expected_line *l = &e->at[i];
        if (l->id != id || (l->port != -1 && l->port != port))
            continue;
        l->looked = l->looked || v != PORTS_SKIP;
        if (l->verdict == v) {
            l->met = true;
            return l;
        }
    }
    return NULL;
}
