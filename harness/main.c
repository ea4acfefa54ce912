/* mailproof: finds the command that the first word names. What each does is in cli/.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "catalogue/nearest.h"
#include "cli/cli.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} commands[] = {
    {"run", cli_run, "prove a server: run scenarios against it (mailproofd when none is named)"},
    {"list", cli_list, "the scenarios, or with --coverage what they prove of each RFC"},
    {"explain", cli_explain, "what a scenario or a requirement says, and why"},
    {"report", cli_report, "make reports of a run, or of several shards"},
    {"ports", cli_ports, "check every mail port of a host and its TLS"},
    {"mutants", cli_mutants, "prove the scenarios: each fault of mailproofd turns its own red"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int help(FILE *out, int code)
{
    fputs("usage: mailproof COMMAND [FLAGS] [ARGUMENTS]\n\n"
          "mailproof proves what a mail server does, requirement by requirement of the mail "
          "RFCs.\n\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
    fputs(
        "\nmailproof COMMAND --help tells more. --version prints the version.\n\n"
        "exit codes: 0 as expected, 1 an unexpected failure or a stale baseline, 2 usage or a bad\n"
        "scenario, 3 internal, 4 target unreachable or login impossible, 5 nothing run,\n"
        "124 overall deadline, 130 interrupted\n",
        out);
    return code;
}

int main(int argc, char **argv)
{
    cli_argc = argc;
    cli_argv = argv;
    if (argc < 2)
        return help(stderr, EXIT_USAGE);
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        puts("mailproof " MAILPROOF_VERSION);
        return 0;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(stdout, 0);
    if (strcmp(word, "help") == 0) {
        if (argc < 3)
            return help(stdout, 0);
        static char flag[] = "--help";
        word = argv[2];
        argv[2] = flag;
    }
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        if (strcmp(word, names[i]) == 0)
            return commands[i].run(argc - 2, argv + 2);
    }
    const char *best = nearest(word, names, COMMANDS);
    if (best != NULL)
        fprintf(stderr, "mailproof: unknown command %s; did you mean %s?\n", word, best);
    else
        fprintf(stderr, "mailproof: unknown command %s; mailproof --help lists them\n", word);
    return EXIT_USAGE;
}
