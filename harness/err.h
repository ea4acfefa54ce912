/* An error in words, for the person who runs mailproof. Every function that can fail fills one.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_ERR_H
#define HARNESS_ERR_H

struct err {
    char text[512]; /* one sentence without a final full stop; NUL-terminated, cut if too long */
};

/* Fills *err (which may be NULL) and returns -1, so that `return err_set(err, …)` reads well. */
int err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "what: text of errno"; returns -1. */
int err_errno(struct err *err, const char *what);

/* "what: OpenSSL's newest reason"; empties OpenSSL's queue; returns -1. */
int err_tls(struct err *err, const char *what);

/* Returns p, which came from malloc or its kin; NULL ends the process: out of memory is nobody's
 * error to handle. `char *copy = err_need(strdup(text));` */
void *err_need(void *p);

#endif
