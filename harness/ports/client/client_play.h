/* The server that a client is tested with: one connection as a machine that is fed lines and
 * answers, right in everything but what the play says. It watches what the client does.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_CLIENT_CLIENT_PLAY_H
#define HARNESS_PORTS_CLIENT_CLIENT_PLAY_H

#include "ports/client/client_identity.h"
#include "ports/port.h"

/* What the server does. Zero and LEAF_GOOD: everything right. */
struct play {
    bool no_starttls;       /* not offered, and refused */
    bool refuse_starttls;   /* offered, and refused */
    bool preauth;           /* IMAP: the greeting says that the client is logged in */
    bool inject;            /* a reply follows the one to STARTTLS in the same segment */
    bool withhold;          /* the first command inside TLS waits for its reply */
    bool noise;             /* IMAP: an alert, a mailbox and a referral before TLS */
    bool early_data;        /* tickets allow early data */
    bool requiretls;        /* SMTP: offered inside TLS */
    const char *clear_auth; /* mechanisms before TLS; NULL: none */
    const char *tls_auth;   /* and inside; NULL: PLAIN and LOGIN. POP3: "USER" may stand first */
    enum leaf leaf;
    bool chain;        /* the authority is shown behind the leaf */
    uint16_t referral; /* where the referral leads */
};

/* What clients did, of all connections of one run. Numbers are connections; 0: nobody did. */
struct seen {
    int connections, first;
    int auth_clear, mail_clear; /* a login, a message before TLS */
    int busy_clear;             /* anything else that a logged-in client does, before TLS */
    int starttls, tls, auth_tls, mail_tls;
    int inside;          /* a command inside TLS that is no goodbye */
    int caps_inside;     /* it asked for capabilities inside TLS */
    int used_clear_list; /* inside TLS it used what only the list from before offered */
    int ahead;           /* a second command came while the first one was withheld */
    int requiretls;      /* MAIL with REQUIRETLS */
    int early, resumed;
    int referred;
    int wrong; /* it failed the handshake: the words say how */
    char wrong_why[256];
    char auth_words[64]; /* the login that was seen first */
};

struct stage {
    struct loop *loop;
    enum port_protocol protocol;
    enum port_mode mode;
    const struct play *play;
    const struct identities *identities;
    struct seen *seen;
    int answer_ms;
};

struct talk;
/* Greets, or begins the handshake. Takes c. */
struct talk *talk_new(const struct stage *s, struct conn *c);
/* Handles what arrived; never waits but in a handshake. False: the connection is over. */
bool talk_go(struct talk *t);
void talk_free(struct talk *t);

/* The tag that a client will probably use after this one: its number counts up. False when it has
 * none. */
bool talk_next_tag(const char *tag, char *out, size_t size);

#endif
