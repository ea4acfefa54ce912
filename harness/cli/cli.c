/* Finds mailproof's own files and loads what it knows.
 * SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/script.h"

#ifndef MAILPROOF_SHARE
#define MAILPROOF_SHARE "/usr/local/share/mailproof"
#endif

int cli_argc;
char **cli_argv;

static char *copy(const char *text)
{
    char *s = strdup(text);
    if (s == NULL)
        abort();
    return s;
}

static bool is_home(const char *folder)
{
    char path[4300];
    int n = snprintf(path, sizeof path, "%s/harness/lua/scenario.lua", folder);
    return n < (int)sizeof path && access(path, R_OK) == 0;
}

/* The folder of the running program, without a slash at the end. */
static int own_folder(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    if (n <= 0)
        return -1;
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        return -1;
    *slash = '\0';
    return 0;
}

char *cli_home(struct err *err)
{
    char path[4096];
    const char *named = getenv("MAILPROOF_HOME");
    if (named != NULL && *named != '\0') {
        char *whole = realpath(named, NULL);
        if (whole != NULL && is_home(whole))
            return whole;
        free(whole);
        err_set(err,
                "MAILPROOF_HOME=%s is no folder of mailproof: it has no harness/lua/scenario.lua",
                named);
        return NULL;
    }
    if (own_folder(path, sizeof path) == 0) {
        char beside[4200];
        snprintf(beside, sizeof beside, "%s/../share/mailproof", path);
        while (path[0] != '\0') {
            if (is_home(path))
                return copy(path);
            char *slash = strrchr(path, '/');
            *(slash != NULL ? slash : path) = '\0';
        }
        if (is_home(beside))
            return realpath(beside, NULL);
    }
    if (is_home(MAILPROOF_SHARE))
        return copy(MAILPROOF_SHARE);
    err_set(err, "mailproof's scenarios are not found; name their folder in MAILPROOF_HOME");
    return NULL;
}

char *cli_daemon(const char *home)
{
    char folder[4096], path[4200];
    if (own_folder(folder, sizeof folder) == 0) {
        snprintf(path, sizeof path, "%s/mailproofd", folder);
        if (access(path, X_OK) == 0)
            return copy(path);
    }
    snprintf(path, sizeof path, "%s/build/mailproofd", home);
    return copy(path);
}

enum exit_code cli_open(struct cli *c)
{
    struct err err;
    *c = (struct cli){0};
    c->home = cli_home(&err);
    if (c->home == NULL)
        goto bad;
    c->daemon = cli_daemon(c->home);
    c->L = luaL_newstate();
    if (c->L == NULL)
        abort();
    lua_gc(c->L, LUA_GCSTOP); /* what is loaded stays: a collection would only make holes */
    luaL_openlibs(c->L);
    if (script_open(c->L, c->home, &err) != 0 ||
        catalogue_load(c->L, c->home, &c->catalogue, &err) != 0)
        goto bad;
    if (catalogue_print_problems(&c->catalogue, stderr) > 0) {
        cli_close(c);
        return EXIT_USAGE;
    }
    return EXIT_AS_EXPECTED;
bad:
    fprintf(stderr, "mailproof: %s\n", err.text);
    cli_close(c);
    return EXIT_INTERNAL;
}

void cli_close(struct cli *c)
{
    if (c->L != NULL) {
        catalogue_clear(c->L, &c->catalogue);
        lua_close(c->L);
    }
    free(c->home);
    free(c->daemon);
    *c = (struct cli){0};
}
