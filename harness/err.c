/* Errors in words: every function that can fail fills one and its caller passes it on.
 * SPDX-License-Identifier: MIT */
#include "err.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int err_set(struct err *err, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
    }
    return -1;
}

int err_errno(struct err *err, const char *what)
{
    return err_set(err, "%s: %s", what, strerror(errno));
}

/* "system lib" and its like only say which part of OpenSSL passed an older error on. */
static bool says_nothing(unsigned long code)
{
    int reason = ERR_GET_REASON(code);
    return !ERR_SYSTEM_ERROR(code) && (reason & ERR_RFLAG_COMMON) != 0 &&
           (reason & ~(ERR_RFLAGS_MASK << ERR_RFLAGS_OFFSET)) < 64;
}

int err_tls(struct err *err, const char *what)
{
    unsigned long code = 0, next;
    while ((next = ERR_get_error()) != 0) {
        if (code == 0 || !says_nothing(next))
            code = next;
    }
    if (code == 0)
        return err_set(err, "%s: OpenSSL gives no reason", what);
    if (ERR_SYSTEM_ERROR(code))
        return err_set(err, "%s: %s", what, strerror(ERR_GET_REASON(code)));
    const char *reason = ERR_reason_error_string(code);
    if (reason == NULL)
        return err_set(err, "%s: OpenSSL error %08lx", what, code);
    return err_set(err, "%s: %s", what, reason);
}

void *err_need(void *p)
{
    if (p == NULL) {
        (void)fputs("mailproof: out of memory\n", stderr);
        abort();
    }
    return p;
}
