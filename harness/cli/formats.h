/* --format KIND[:PATH]: which reports a run or `mailproof report` makes.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_CLI_FORMATS_H
#define HARNESS_CLI_FORMATS_H

#include <stdbool.h>

#include "catalogue/catalogue.h"
#include "err.h"

/* Whether every wish names a format that there is; -1 with the nearest right one. */
int formats_check(const char *home, const struct words *wishes, struct err *err);

/* Whether one of them goes to standard output. */
bool formats_use_stdout(const struct words *wishes);

/* Renders n run.jsonl files: html, junit and json into folder (if defaults), then what is wished.
 * 0, or -1 with the first failure in words; the others are made in any case. */
int formats_write(const char *home, const char *const *jsonl, size_t n, const char *folder,
                  bool defaults, const struct words *wishes, struct err *err);

/* "mailproof report --formats": a line for each. */
int formats_list(const char *home, struct err *err);

#endif
