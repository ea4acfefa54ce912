/* What the commands of mailproof share: where everything lies, the catalogue, and their entry
 * points. SPDX-License-Identifier: MIT */
#ifndef HARNESS_CLI_CLI_H
#define HARNESS_CLI_CLI_H

#include <lua.h>

#include "catalogue/catalogue.h"
#include "run/outcome.h"

struct cli {
    lua_State *L;
    char *home;   /* the folder with scenarios/, harness/lua/, reports/; owned */
    char *daemon; /* path of mailproofd, there or not; owned */
    struct catalogue catalogue;
};

/* Finds the home folder ($MAILPROOF_HOME, else from this program's place upwards, else the
 * installed one), opens Lua with the scenario language, loads the catalogue. Returns an exit code:
 * 0; 2 with every mistake of the scenario files on stderr; 3 when something is missing. */
enum exit_code cli_open(struct cli *c);
void cli_close(struct cli *c);

/* Home and daemon alone, for commands that need no catalogue. NULL with words. */
char *cli_home(struct err *err);
char *cli_daemon(const char *home);

/* Each command gets what follows its name and returns the program's exit code. */
int cli_run(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_mutants(int argc, char **argv);
int cli_ports(int argc, char **argv);

/* The whole command line, for run.start: set once by main. */
extern int cli_argc;
extern char **cli_argv;

#endif
