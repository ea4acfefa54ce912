/* The parameters of MAIL and RCPT (RFC 5321, 4.1.1.11 and the extensions that define them).
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_PARAM_H
#define SERVER_SMTP_PARAM_H

#include "queue/wishes.h"
#include "server.h"
#include "smtp/state.h"

struct smtp_params {
    enum smtp_body body;
    struct wishes wishes;
    bool utf8, return_header, return_full;
    char envid[101]; /* RFC 3461, 4.4: 100 characters; "" not given */
    char orcpt[501]; /* RFC 3461, 4.2: 500 characters; "" not given */
    unsigned notify;
    unsigned long long size; /* RFC 1870; 0: not given */
};

/* What to answer when they are wrong. */
struct smtp_param_error {
    int code;
    const char *enhanced, *why;
};

/* What a session offers: parameters that it does not are not known to it. */
struct smtp_offer {
    const struct limits *limits;
    bool esmtp;      /* the client said EHLO or LHLO; after HELO there are no parameters */
    bool requiretls; /* RFC 8689, 2: inside TLS */
    bool by;         /* DELIVERBY */
    bool hold;       /* FUTURERELEASE: RFC 4865, 4.2 has it on submission only */
    int64_t now_s;   /* wall clock */
};

/* text is NUL-terminated and begins with a space unless empty. -1: *wrong is filled. */
int smtp_mail_params(const char *text, const struct smtp_offer *offer, struct smtp_params *out,
                     struct smtp_param_error *wrong);
int smtp_rcpt_params(const char *text, bool esmtp, struct smtp_params *out,
                     struct smtp_param_error *wrong);
/* RFC 3461, 4: printable ASCII, +XX stands for an octet. out holds n + 1 bytes. -1: it is none. */
int smtp_xtext_decode(const char *text, size_t n, char *out, size_t *len);

#endif
