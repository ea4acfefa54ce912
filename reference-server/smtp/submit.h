/* What submission looks at and completes (RFC 6409, 6.1 and 8), as the policy says.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_SUBMIT_H
#define SERVER_SMTP_SUBMIT_H

#include "smtp/state.h"

/* MAIL's or RCPT's argument with our domain behind an address that has none, where that is wanted
 * and makes it an account's (RFC 6409, 8); malloc'd. NULL: it stays as it is. */
char *smtp_complete_domain(const struct smtp *s, const char *arg);
/* Whether this client may send as that address. */
bool smtp_may_send_as(struct smtp *s, const struct smtp_path *path);
/* Whether From, or Sender, names the user where it has to. */
bool smtp_from_fits(const struct smtp *s, const unsigned char *text, size_t n);
/* The fields that are missing and are to be there. */
void smtp_submission_fields(const struct smtp *s, const char *id, const unsigned char *text,
                            size_t n, struct buf *out);

#endif
