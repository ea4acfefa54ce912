/* Command-line flags of one command: a table says what there is, for parsing and for --help alike.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_CLI_FLAGS_H
#define HARNESS_CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "catalogue/catalogue.h"
#include "err.h"

enum flag_kind {
    FLAG_SWITCH,  /* bool: set */
    FLAG_COUNT,   /* int: one more each time */
    FLAG_TEXT,    /* const char *: the last one counts */
    FLAG_WORDS,   /* struct words: each one is added */
    FLAG_NUMBER,  /* int above 0 */
    FLAG_INTEGER, /* long long */
    FLAG_SECONDS  /* double above 0 */
};

struct flag {
    const char *name; /* "--target" */
    char letter;      /* 'v' for -v; 0: none */
    enum flag_kind kind;
    void *to;
    const char *value; /* what its value is called in --help; NULL without */
    const char *help;
};

/* Reads argv[0..argc): flags into their places, everything else into rest. Values follow as "--flag
 * VALUE" or
 * "--flag=VALUE"; "--" ends the flags. 0; 1 when --help was asked for (nothing is printed); -1 with
 * words, for an unknown flag with the nearest right one. flags ends with name NULL. */
int flags_parse(const struct flag *flags, int argc, char **argv, struct words *rest,
                struct err *err);

/* Prints "usage" and a line for each flag. */
void flags_help(const struct flag *flags, const char *usage, const char *about, FILE *out);

#endif
