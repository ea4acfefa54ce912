/* Connections to one port: opened within the budget, with the greeting waited for, brought to where
 * TLS can begin by a lawful dialogue, and told apart from a server that sends us away.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_DIAL_DIAL_H
#define HARNESS_PORTS_DIAL_DIAL_H

#include "ports/dial/hello.h"
#include "ports/port.h"

enum reply_kind {
    REPLY_OK,    /* 2xx, OK, +OK */
    REPLY_MORE,  /* 3xx, + */
    REPLY_NO,    /* 4xx, 5xx, NO, -ERR */
    REPLY_BAD,   /* BAD: 500 to 504 too */
    REPLY_ODD,   /* no reply of the protocol */
    REPLY_END,   /* the connection ended */
    REPLY_SILENT /* time ran out */
};

struct reply {
    enum reply_kind kind;
    int code;        /* SMTP */
    char text[8192]; /* everything up to the end of the reply, NUL-terminated, cut if too long */
};

/* Opens a connection, counted. NULL: the budget is spent, or the server sends us away, or it does
 * not answer; then port->limited may be set. */
struct conn *dial_open(struct port *p);
/* Opens one from another local address ("" : the system's choice). */
struct conn *dial_from(struct port *p, const char *source);

/* Reads the greeting. False: there was none, or it sent us away (421, 554, BYE, -ERR); the
 * connection is closed and p->limited set where that is what it was. */
bool dial_greeting(struct port *p, struct conn *c, struct reply *r);

/* A connection on which TLS bytes can be sent: greeting, EHLO, STARTTLS where the port needs it.
 * *refused (may be NULL): STARTTLS was refused. */
struct conn *dial_ready(struct port *p, bool *refused);

/* A connection in clear with its greeting read and, for SMTP, EHLO said. */
struct conn *dial_clear(struct port *p);

/* A whole TLS session, the greeting of implicit TLS read, EHLO said again. NULL with words when the
 * handshake failed. o NULL: what dial_options gives. */
struct conn *dial_tls(struct port *p, const struct conn_tls_options *o, struct err *err);
/* As dial_tls without the greeting and EHLO after it. */
struct conn *dial_handshake(struct port *p, const struct conn_tls_options *o, struct err *err);
/* The name and authorities of this run. */
void dial_options(const struct port *p, struct conn_tls_options *o);
/* For the prepare hook: OpenSSL shall not refuse weak keys by itself. */
void dial_no_refusal(struct ssl_st *ssl, void *arg);

/* Sends one ClientHello on a fresh connection and reads what comes. flight: read to the end of the
 * flight (1.2 and older). keep: the connection shows something, its events stay. *number (may be
 * NULL) is the connection. *a has to be zero or cleared before. */
enum answer_kind dial_ask(struct port *p, const struct hello *h, bool flight, struct answer *a);
enum answer_kind dial_ask_bytes(struct port *p, const struct buf *bytes, bool flight,
                                struct answer *a);
/* A connection on which the client speaks first, with a hello that nobody refuses; NULL. */
struct conn *dial_say_hello(struct port *p);
/* A connection of implicit TLS was ended without a word, or let wait. True: the server ends them
 * all, which is its way to send us away; p->limited is set. False: it was what we had said. */
bool dial_sent_away(struct port *p);
/* The server said that it does not want us: p->limited is set, and nothing is judged by that. */
void dial_turned_away(struct port *p, enum check_id id, const char *why);
/* Whether this answer to a hello was such an end. */
bool dial_gone(struct port *p, enum answer_kind k);
/* Waits for the answer to what was sent on c. */
enum answer_kind dial_answer(struct port *p, struct conn *c, bool flight, struct answer *a);
/* The number of the last connection that dial_ask opened, as a finding's evidence. */
void dial_shows(struct port *p, enum check_id id, int number);
int dial_last(const struct port *p);

/* Sends "command CRLF" (IMAP: with a tag before it) and reads its reply. multi: POP3 answers with
 * lines up to a dot. */
enum reply_kind dial_say(struct port *p, struct conn *c, bool multi, struct reply *r,
                         const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* As dial_say, for a password: servers keep the answer to a wrong one back for seconds. */
enum reply_kind dial_say_password(struct port *p, struct conn *c, struct reply *r, const char *fmt,
                                  ...) __attribute__((format(printf, 4, 5)));
/* How long to wait for the answer to a password, in ms. */
int dial_password_ms(const struct port *p);
/* How long a server has to be silent here until we believe that it will say nothing, in ms: longer
 * where its replies take longer. */
int dial_quiet_ms(const struct port *p);
/* Reads the next reply. tag: IMAP's, NULL for a greeting. */
enum reply_kind dial_reply(struct port *p, struct conn *c, const char *tag, bool multi, int wait_ms,
                           struct reply *r);
/* EHLO, CAPABILITY or CAPA. */
enum reply_kind dial_capabilities(struct port *p, struct conn *c, struct reply *r);
/* NOOP in the words of the protocol: CAPA for POP3 before login. */
const char *dial_noop(const struct port *p);
const char *dial_quit(const struct port *p);
const char *dial_starttls_word(const struct port *p);

/* Says goodbye and closes. */
void dial_close(struct port *p, struct conn *c);
/* Closes without a word, and forgets what was said on it. */
void dial_forget(struct port *p, struct conn *c);

/* Whether the capability list has this word (whole, any case). */
bool dial_has(const char *caps, const char *word);

/* Everything that comes until the connection ends or is quiet, NUL-terminated. */
size_t dial_rest(struct port *p, struct conn *c, int wait_ms, char *out, size_t size);

#endif
