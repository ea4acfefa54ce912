/* From run.jsonl to reports: builds the Lua table `run` from one run, or from the shards of one,
 * and lets the renderers of reports/ (one Lua file a format) write it out. Called at the end of a
 * run and by `mailproof report`.
 *
 * A renderer is a file reports/KIND.lua that returns
 *   { kind = "junit", file = "junit.xml", about = "one line", render = function(run, write) … end }
 * What `run` holds is told in reports/README.md.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_RENDER_H
#define HARNESS_RUN_RENDER_H

#include <lua.h>
#include <stddef.h>

#include "err.h"
#include "wire/buf.h"

/* Builds `run` from n >= 1 run.jsonl files and keeps it in L (a second call replaces it). home is
 * the folder with reports/ and scenarios/. L needs Lua's standard libraries. A run that was cut
 * short is loaded as far as it got: a last line without its end and lines that are not JSON are
 * left out and named in run.troubles. -1 when a file cannot be read, holds no run.start, or is of a
 * newer version. Leaves the Lua stack as it was. */
int render_load(lua_State *L, const char *home, const char *const *jsonl_paths, size_t n,
                struct err *err);

/* Renders the loaded run. path "-" is standard output; NULL is the renderer's own file name in
 * folder `dir` (dir NULL: where the first run.jsonl is). The file appears whole or not at all. -1
 * with words: no such kind (naming the nearest and all there are), an error inside the renderer,
 * disk full. */
int render_write(lua_State *L, const char *kind, const char *dir, const char *path,
                 struct err *err);

/* Renders into memory: for the terminal and for tests. The limit is b's. */
int render_text(lua_State *L, const char *kind, struct buf *b, struct err *err);

/* Sets options that a renderer may look at: run.options.NAME = value ("color" = "1", "verbose" =
 * "2", …). value NULL removes it. Call after render_load. */
void render_option(lua_State *L, const char *name, const char *value);

/* Appends one line a kind, "junit<TAB>junit.xml<TAB>about", sorted; needs no loaded run. */
int render_kinds(lua_State *L, const char *home, struct buf *b, struct err *err);

#endif
