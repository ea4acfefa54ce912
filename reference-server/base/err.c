/* Errors in words: what failed, with the reason of the system or of OpenSSL behind it.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

int err_set(struct err *err, const char *fmt, ...)
{
    if (err == NULL)
        return -1;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return -1;
}

int err_errno(struct err *err, const char *what)
{
    return err_set(err, "%s: %s", what, strerror(errno));
}

int err_tls(struct err *err, const char *what)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return err_set(err, "%s: %s", what, reason != NULL ? reason : "OpenSSL gives no reason");
}
