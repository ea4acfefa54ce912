/* An error in words. SPDX-License-Identifier: MIT */
#ifndef SERVER_ERR_H
#define SERVER_ERR_H

struct err {
    char text[512]; /* one sentence without a final full stop; NUL-terminated, cut if too long */
};

/* Fills *err (may be NULL) and returns -1. */
int err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_errno(struct err *err, const char *what);
int err_tls(struct err *err, const char *what);

#endif
