/* Whether a recipient's domain says in the DNS that it takes no mail (RFC 7505).
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_NULL_MX_H
#define SERVER_SMTP_NULL_MX_H

#include "smtp/param.h"
#include "smtp/state.h"

/* What RCPT has said, kept while the DNS is asked. */
struct smtp_rcpt {
    struct smtp_path path;
    struct smtp_params params;
    char *arg;
};

/* Parks the session, asks, and calls done with the answer; r's strings are copied. Not called when
 * the client is gone by then. */
void smtp_ask_null_mx(struct smtp *s, const struct smtp_rcpt *r,
                      void (*done)(struct smtp *s, const struct smtp_rcpt *r, bool null_mx));

#endif
