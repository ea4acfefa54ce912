/* The header of a message, as far as SMTP has to know it: its fields by name.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_HEADER_H
#define SERVER_SMTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* The end of the field that begins at `at`, its folded lines and line end included; 0: the header
 * is over there. */
size_t smtp_header_field(const unsigned char *text, size_t n, size_t at);
bool smtp_header_named(const unsigned char *text, size_t at, size_t end, const char *name);
size_t smtp_header_count(const unsigned char *text, size_t n, const char *name);
/* Takes all fields of that name out, in place; returns the new length. */
size_t smtp_header_remove(unsigned char *text, size_t n, const char *name);

#endif
