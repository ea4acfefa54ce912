/* Paths, mailboxes, domains and address literals as SMTP commands write them (RFC 5321, 4.1.2
 * and 4.1.3). SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_ADDRESS_H
#define SERVER_SMTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { SMTP_LOCAL_MAX = 64, SMTP_DOMAIN_MAX = 255, SMTP_PATH_MAX = 256 }; /* RFC 5321, 4.5.3.1 */

struct smtp_path {
    char local[SMTP_LOCAL_MAX + 1];   /* without its quoting: "us\er" and user are one mailbox */
    char domain[SMTP_DOMAIN_MAX + 1]; /* as written; an address literal keeps its brackets; "" for
                                         <> and <postmaster> */
    char mailbox[SMTP_PATH_MAX + 1];  /* as written, without route and angle brackets */
    bool null;                        /* <> */
    bool literal;                     /* the domain is an address literal */
    bool quoted;                      /* the local part was a quoted string */
    bool eight_bit;                   /* UTF-8 beyond ASCII: lawful with SMTPUTF8 only (RFC 6531) */
};

/* Which special paths may stand here. */
enum { SMTP_PATH_NULL = 1 /* <> */, SMTP_PATH_POSTMASTER = 2 /* <postmaster>, any case */ };

/* Reads a path from its "<" on, through its ">". A source route is read and forgotten. *used says
 * how many bytes the path took. -1: it is none, and *why says so in words; *out is not written
 * then. */
int smtp_path_parse(const char *text, size_t n, int allowed, struct smtp_path *out, size_t *used,
                    const char **why);
/* The whole text is a mailbox, without angle brackets. */
int smtp_mailbox_parse(const char *text, size_t n, struct smtp_path *out, const char **why);
bool smtp_domain_ok(const char *text, size_t n);  /* ASCII labels with dots, as in EHLO */
bool smtp_literal_ok(const char *text, size_t n); /* [192.0.2.1], [IPv6:2001:db8::1], [tag:text] */

#endif
