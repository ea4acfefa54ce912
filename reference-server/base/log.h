/* The log: one line of JSON an event, for machines and for people with grep. What is in it: start
 * (with the layers of the sandbox), connect, login, message, close, reload, stop. Passwords never
 * are. Written by the loop thread only; where no log was opened, nothing happens.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"

struct conn;

/* Appends to a file; "-" is standard error (standard output has the line that says "ready"). */
int log_open(const char *path, const struct clock *clock, struct err *err);
void log_close(void);
/* Opens the file of that name again, where somebody has moved the old one away. */
int log_reopen(struct err *err);

/* The rest of the line as jansson's json_pack takes it, without the braces: log_event("reload",
 * "s:b", "ok", 1). Text that came from outside goes through log_text first. */
void log_event(const char *event, const char *fmt, ...);

void log_connect(const struct conn *c);
void log_login(const struct conn *c, const char *user, bool ok);
/* A message was accepted. */
void log_message(const struct conn *c, size_t bytes, size_t recipients);
void log_end(const struct conn *c); /* "close": how long it lasted, and the bytes both ways */

/* What of it can stand in JSON: octets outside ASCII and controls become "?". out has its end. */
const char *log_text(const char *text, char *out, size_t size);

#endif
