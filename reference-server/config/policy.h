/* What whoever runs the server chooses, where limits.def has no number for it: how strict it is,
 * whom it trusts, what it adds and what it keeps. The names are those of the flags, of the
 * configuration file, and of the control socket's "set". All zero is the default, and conforms.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_POLICY_H
#define SERVER_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "net/conn.h"
#include "net/network.h"

/* A CR or an LF that stands alone in the text of a message. */
enum policy_bare {
    BARE_REFUSE,    /* 550: nobody can read the end of the message elsewhere */
    BARE_NORMALIZE, /* is a line end, also around the final dot, and is kept as CR LF */
    BARE_ACCEPT,    /* is a character like any other */
};

/* Which addresses of a message that a user submits have to be the user's. */
enum policy_sender { SENDER_ANY, SENDER_ENVELOPE, SENDER_HEADER };

enum policy_utf8_mail { UTF8_MAIL_REFUSE, UTF8_MAIL_SURROGATE };

/* A number for everyone, and another one for some. */
struct per_account {
    long value;
    struct per_account_other {
        char *account;
        long value;
    } * others;
    size_t count;
};

/* Texts by name. */
struct texts {
    struct text_of {
        char *name, *text;
    } * list;
    size_t count;
};

struct policy {
    int bare_lf, bare_cr;           /* enum policy_bare */
    struct per_account login_delay; /* seconds between two POP3 logins */
    struct per_account expire;      /* days + 1 for which mail is kept; 0: for ever */
    struct per_account quota_bytes, quota_messages; /* that an account may hold; 0: no limit */
    int quota_reply;                                /* 0: 452, come again; 1: 552 */
    int sender_must_match;                          /* enum policy_sender */
    int submission_date, submission_message_id;     /* 0: added where it is missing; 1: left */
    int submission_domain;                          /* 1: completed in addresses of the envelope */
    int submission_sender;                          /* 1: added where From does not say who it is */
    int language;  /* of POP3, for LANG *: 0 i-default, 1 en, 2 de */
    int utf8_mail; /* enum policy_utf8_mail: for POP3 clients without UTF8 */
    struct networks proxy_from[SERVICE_COUNT]; /* who has to begin with a PROXY header */
    struct networks xclient_from;              /* whose XCLIENT is believed */
    struct networks etrn_from;                 /* who may start the queue without relaying */
    struct texts oauth_tokens; /* bearer tokens by account, for OAUTHBEARER and XOAUTH2 */
    int client_certificates;   /* 1: clients are asked for one of our authority, for EXTERNAL */
    int anonymous;             /* 1: ANONYMOUS is offered */
    struct texts aliases;      /* "one@a.example,two": what a local part stands for */
    struct texts lists;        /* "owner@a.example:one@a.example,two": the same, with an owner */
};

/* Changes one; -1 with words. Numbers for accounts and lists grow; "default" takes everything back
 * that was said about this one. */
int policy_set(struct policy *p, const char *name, const char *value, struct err *err);
/* The i-th setting's name, what its value looks like and what it is for; false: no more. */
bool policy_describe(size_t i, const char **name, const char **value, const char **says);
/* What is in force and not the default, as lines for a configuration file. */
void policy_show(const struct policy *p, FILE *out);
/* Makes one hold what another holds. */
void policy_assign(struct policy *to, const struct policy *from);
void policy_free(struct policy *p); /* back to the default */

/* The text of a name, in any case; NULL: none. */
const char *texts_get(const struct texts *t, const char *name);

long per_account_get(const struct per_account *n, const char *account);
/* The greatest or the least that anyone can have, where the least takes 0 for never; *differs: not
 * everyone has the same. */
long per_account_most(const struct per_account *n, bool *differs);
long per_account_soonest(const struct per_account *n, bool *differs);

#endif
