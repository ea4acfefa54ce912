/* The folder of a run: out/<run-id>/ with the link out/latest, or the one that --out names.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_CLI_FOLDER_H
#define HARNESS_CLI_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* "20261121-031500-1234": when it began, in UTC, and the process. */
void folder_run_id(char *out, size_t size);

/* Makes the folder, and evidence/ below it (emptied of captures of an older run). named: --out's,
 * or NULL. The path goes into out. */
int folder_make(const char *named, const char *run_id, char *out, size_t size, struct err *err);

/* Points out/latest at the run, if it is below out/. */
void folder_link_latest(const char *named, const char *run_id);

/* Copies a file if it is there and not empty. */
void folder_keep(const char *from, const char *folder, const char *name);

#endif
