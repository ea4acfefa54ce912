/* The inside of an outgoing session: client.c makes and ends it, client_mail.c sends over it.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_CLIENT_STATE_H
#define SERVER_QUEUE_CLIENT_STATE_H

#include "queue/client/client.h"
#include "queue/client/link.h"
#include "queue/client/offers.h"
#include "queue/client/reply.h"

enum state {
    CONNECTING,
    GREETING,
    EHLO,
    HELO,
    STARTTLS,
    SHAKING,
    AUTH,
    IDLE,
    MAIL,
    RCPT,
    DATA,
    SENDING, /* the text, until it has gone */
    FINAL,
    RSET,
    QUITTING, /* closed by its owner: waits for the answer to QUIT */
    OVER,
};

/* RFC 5321, 4.5.3.2: the least a client has to wait. */
enum {
    MINUTE = 60000,
    GREETING_MS = 5 * MINUTE,
    COMMAND_MS = 5 * MINUTE,
    DATA_MS = 2 * MINUTE,
    BLOCK_MS = 3 * MINUTE,
    FINAL_MS = 10 * MINUTE,
    QUIT_MS = 10000,
    COMMAND_BYTES = 4096,
};

struct client {
    struct client_options o;
    char *hostname, *peer_name, *tlsa_base, *user, *password;
    struct link link;
    struct timer timer;
    struct reply reply;
    enum state state;
    struct client *next, **at_list;
    struct loop_call call; /* frees it: events may be on the stack before that */
    bool closed;           /* client_close was called: nobody is told anything any more */
    bool secure, refused_tls, tls_broke, broken;
    struct offers offers;
    unsigned auth_step, sent; /* sent: MAIL commands */
    char last_domain[DNS_NAME_MAX + 1];
    unsigned long domains; /* of recipients, so far (RFC 9422, 4.3) */

    struct client_mail *mail;
    size_t first, end, at; /* the recipients of this transaction, and whose reply is next */
    size_t taken;          /* of them */
    bool data_said;        /* DATA went out with the rest */
    bool mail_failed;
};

/* client.c */
void client_command(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void client_wait_for(struct client *c, enum state state, int64_t ms);
void client_judge(const struct client *c, struct client_outcome *o, const char *usual);
void client_rest(struct client *c); /* between messages */
void client_mail_done(struct client *c);
void client_give_up(struct client *c, const struct client_outcome *why);
void client_lost(struct client *c, const char *why);

/* client_mail.c: a reply has come in this state; true: it was about mail. */
bool client_mail_replied(struct client *c);

#endif
