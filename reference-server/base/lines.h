/* The lines of a text file that somebody wrote by hand: settings, accounts, rules, zones. A line
 * that would be cut, or that holds what no text holds, is told and never taken for something else.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_LINES_H
#define SERVER_LINES_H

#include <stdio.h>

#include "base/err.h"

enum { LINES_BYTES = 4096 }; /* of one line, its NUL included */

struct lines {
    FILE *file;
    const char *path; /* borrowed */
    int number;       /* of the line in text, from 1 on */
    char text[LINES_BYTES];
};

int lines_open(struct lines *l, const char *path, struct err *err);
/* 1: text holds the next line, without its end. 0: there is none. -1 with words: it is too long,
 * there is a NUL or a CR inside it, or the file cannot be read. */
int lines_next(struct lines *l, struct err *err);
void lines_close(struct lines *l);

#endif
