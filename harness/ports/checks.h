/* The table of checks.def as C: what each check is called, on which ports it is made, and how much
 * it weighs. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_CHECKS_H
#define HARNESS_PORTS_CHECKS_H

#include <stdbool.h>

enum check_id {
#define CHECK(id, where, depth, level, ref, title, change) CHECK_##id,
#include "ports/checks.def"
#undef CHECK
    CHECKS
};

/* What an offence weighs. INFO, MAY: never an offence, the finding is noted. */
enum check_level {
    LEVEL_OFF,
    LEVEL_INFO,
    LEVEL_MAY,
    LEVEL_SHOULD,
    LEVEL_SHOULD_NOT,
    LEVEL_MUST,
    LEVEL_MUST_NOT
};

/* How deep one has to look; past DEEP it takes something besides. */
enum check_depth {
    DEPTH_GENTLE,
    DEPTH_NORMAL,
    DEPTH_DEEP,
    DEPTH_ACCOUNT,   /* a login: --user */
    DEPTH_RECIPIENT, /* an address that takes mail: --recipient, or an account that submits */
    DEPTH_DNS,       /* a zone file or a resolver */
    DEPTH_ONLINE,    /* something fetched from elsewhere */
    DEPTH_PEER,      /* a client or MTA to be tested, with mailproofd as its server */
    DEPTH_SERVER,    /* a change on the server, its certificate taken away */
    DEPTH_TOOL       /* TLS records with chosen padding */
};

enum check_where {
    WHERE_ANY,
    WHERE_CLEAR,    /* TLS begins with STARTTLS or STLS */
    WHERE_IMPLICIT, /* TLS from the first byte */
    WHERE_SMTP,
    WHERE_SMTP_CLEAR,
    WHERE_IMAP,
    WHERE_IMAP_CLEAR,
    WHERE_POP3_CLEAR,
    WHERE_MAILBOX, /* IMAP and POP3 */
    WHERE_MAILBOX_CLEAR,
    WHERE_MX,     /* 25 */
    WHERE_SUBMIT, /* SMTP that is no MX */
    WHERE_SUBMIT_CLEAR,
    WHERE_SUBMISSIONS, /* SMTP with implicit TLS */
    WHERE_LOGIN,       /* where users log in: all but the MX */
    WHERE_LOGIN_CLEAR,
    WHERE_HOST,  /* the host as a whole */
    WHERE_CLIENT /* no port: a client is tested */
};

struct check {
    const char *id;
    enum check_where where;
    enum check_depth depth;
    enum check_level level;
    const char *ref;    /* "9325 3.1.1; 8446 4.1.2": RFC and section, the first leads */
    const char *title;  /* what has to hold */
    const char *change; /* "Postfix: … | Dovecot: …", or "" */
};

extern const struct check checks[CHECKS];

/* The check of this id, or -1. */
int check_of(const char *id);

/* "MUST NOT" for LEVEL_MUST_NOT, and back; -1 for a word that is none ("off" and "info" in any
 * case). */
const char *check_level_word(enum check_level level);
int check_level_of(const char *word);

/* Why a check of this depth was not made, in words. */
const char *check_depth_words(enum check_depth depth);

/* The number and the section of the requirement that leads; section is cut to size. */
int check_rfc(const struct check *c, char *section, unsigned long size);

#endif
