/* The limits of limits.def by name. SPDX-License-Identifier: MIT */
#ifndef SERVER_LIMIT_H
#define SERVER_LIMIT_H

#include <stdio.h>

#include "base/err.h"
#include "server.h"

void limit_defaults(struct limits *l);
/* "NAME=VALUE"; -1 with the nearest right name for one that is not known. */
int limit_set(struct limits *l, const char *setting, struct err *err);
/* One line a limit: name, tab, value, tab, sentence. */
void limit_list(const struct limits *l, FILE *out);
/* As lines of a configuration file. */
void limit_show(const struct limits *l, FILE *out);

#endif
