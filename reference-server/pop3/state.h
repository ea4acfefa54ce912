/* What one POP3 session remembers, and the functions that its files give each other.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_POP3_STATE_H
#define SERVER_POP3_STATE_H

#include "net/conn.h"
#include "pop3/command.h"
#include "pop3/lang.h"
#include "pop3/maildrop.h"
#include "sasl/sasl.h"

enum pop3_state { POP3_AUTHORIZATION = 1, POP3_TRANSACTION = 2, POP3_UPDATE = 4 }; /* RFC 1939, 3 */

/* A multi-line response that is being sent, in pieces when the client is slower than we are. */
enum pop3_sending { SENDING_NOTHING, SENDING_LIST, SENDING_UIDL, SENDING_MESSAGE };

struct pop3 {
    struct conn *conn;
    enum pop3_state state;
    char stamp[320]; /* of the greeting, for APOP; "" when there is none */
    char *user;      /* the last command was a USER that got +OK */
    struct sasl *sasl;
    enum pop3_language language;
    bool utf8;                     /* the client said UTF8: RFC 6856, 2 */
    const struct account *account; /* of the maildrop; NULL before login */
    bool sasl_final; /* the last SASL data is out; an empty line completes the login */
    struct maildrop drop;
    bool postponed;  /* a fault: RETR was put behind the other commands */
    bool discarding; /* within a line that is too long */
    long bad_commands, failed_logins;
    struct mailbox *held; /* a fault: locked by a login that failed */
    bool doomed;          /* a fault: the next line answers a challenge of no mechanism */
    bool undotted;        /* a fault: this message goes out with its dots as they are */
    bool timed;           /* a fault: the idle time of this state began */

    enum pop3_sending sending;
    size_t at; /* list: index of the next message; message: offset of the next octet */
    struct blob blob;
    size_t header_end;   /* message: offset of the body, after the empty line */
    uint32_t body_lines; /* of it to send; UINT32_MAX: all */
};

static inline struct pop3 *pop3_of(struct conn *c)
{
    return c->session;
}

/* --- respond.c --- */
/* "+OK text" and "-ERR text" with CRLF; text may begin with a response code. */
void pop3_ok(struct pop3 *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pop3_err(struct pop3 *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pop3_line(struct pop3 *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* of a multi-line one */
void pop3_dot(struct pop3 *p);             /* its end */
/* Begins a response that may take several pieces; +OK was said. body_lines: as in struct pop3. */
void pop3_send_list(struct pop3 *p, enum pop3_sending kind);
void pop3_send_message(struct pop3 *p, const struct blob *blob,
                       uint32_t body_lines);      /* takes the blob */
void pop3_send_more(struct pop3 *p);              /* until it is done or the output is full */
uint32_t pop3_header_lines(const struct blob *b); /* the empty line included */
/* The size of a message as it goes out, doubled dots aside (RFC 1939, 11). */
uint32_t pop3_octets(const struct blob *b);
void pop3_stop_sending(struct pop3 *p);
enum { POP3_UNIQUE_ID_BYTES = 96 }; /* room for the longest, a fault's included */
void pop3_note_removed(const struct pop3 *p, uint32_t uid); /* for a fault */
void pop3_unique_id(const struct pop3 *p, size_t index, char *out, size_t size);

/* --- state.c --- */
/* For a fault: answers what has arrived and will not be obeyed. */
void pop3_answer_rest(struct pop3 *p);

/* --- login.c --- */
void pop3_make_stamp(struct pop3 *p);
void pop3_user(struct pop3 *p, const struct pop3_command *c);
void pop3_pass(struct pop3 *p, const struct pop3_command *c);
void pop3_apop(struct pop3 *p, const struct pop3_command *c);
void pop3_auth(struct pop3 *p, const struct pop3_command *c);
void pop3_auth_line(struct pop3 *p, const char *line, size_t n); /* the client's next response */
void pop3_let_go(struct pop3 *p);                                /* of what a failed login locked */
void pop3_forget_login(struct pop3 *p); /* USER and a SASL exchange under way */

/* --- extension.c --- */
void pop3_capa(struct pop3 *p, const struct pop3_command *c);
void pop3_stls(struct pop3 *p, const struct pop3_command *c);
void pop3_utf8(struct pop3 *p, const struct pop3_command *c);
void pop3_lang(struct pop3 *p, const struct pop3_command *c);

/* --- transaction.c --- */
/* Gives mail that goes out as a surrogate the size that it then has. */
void pop3_size_surrogates(struct pop3 *p);
void pop3_stat(struct pop3 *p, const struct pop3_command *c);
void pop3_list(struct pop3 *p, const struct pop3_command *c);
void pop3_uidl(struct pop3 *p, const struct pop3_command *c);
void pop3_retr(struct pop3 *p, const struct pop3_command *c);
void pop3_top(struct pop3 *p, const struct pop3_command *c);
void pop3_dele(struct pop3 *p, const struct pop3_command *c);
void pop3_noop(struct pop3 *p, const struct pop3_command *c);
void pop3_rset(struct pop3 *p, const struct pop3_command *c);
void pop3_quit(struct pop3 *p, const struct pop3_command *c);

#endif
