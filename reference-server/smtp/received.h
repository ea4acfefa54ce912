/* The fields that SMTP writes on top of a message. SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_RECEIVED_H
#define SERVER_SMTP_RECEIVED_H

#include "smtp/state.h"

enum { SMTP_ID_BYTES = 40 };

/* A name for the message that is about to be stored: unique over the life of the store's clock. */
void smtp_make_id(const struct smtp *s, char id[SMTP_ID_BYTES]);
/* Return-Path and Received (RFC 5321, 4.4); for a submission also the Date and the Message-ID that
 * the text lacks (RFC 6409, 8.2 and 8.3). */
void smtp_trace_fields(const struct smtp *s, const char *id, const unsigned char *text, size_t n,
                       struct buf *out);

/* The date and time now, as RFC 5322, 3.3 has them. */
void smtp_write_date(const struct smtp *s, struct buf *out);

#endif
