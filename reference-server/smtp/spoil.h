/* What some faults do to the text of a message. SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_SPOIL_H
#define SERVER_SMTP_SPOIL_H

#include <stdbool.h>
#include <stddef.h>

/* Takes text (malloc'd) and gives it back, changed only where a fault is on. */
unsigned char *smtp_spoil_text(unsigned char *text, size_t *n, bool by_data);
/* Octets above 127 in header fields become question marks, by a fault. */
void smtp_spoil_header(unsigned char *text, size_t n);
/* Headers that some faults refuse, though nothing is refused for its header (RFC 5321, 3.3). */
bool smtp_dislikes(const unsigned char *text, size_t n);

#endif
