/* One SMTP, submission or LMTP session, and what its commands share.
 *
 * state.c reads lines and drives the session; command.c knows the commands by name; cmd_*.c carry
 * them out; deliver.c takes over a message that has arrived whole. SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_STATE_H
#define SERVER_SMTP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/trace.h"
#include "net/conn.h"
#include "queue/wishes.h"
#include "sasl/account.h"
#include "sasl/sasl.h"
#include "smtp/address.h"
#include "smtp/dot.h"

enum smtp_doing {
    SMTP_COMMAND, /* the next line is a command */
    SMTP_AUTH,    /* the next line is a response of a SASL exchange */
    SMTP_TEXT,    /* text up to the final dot */
    SMTP_CHUNK,   /* chunk_left octets of BDAT */
};

/* Where mail for a recipient goes. */
enum smtp_route {
    ROUTE_MAILBOX,
    ROUTE_QUEUE /* to another host */,
    ROUTE_NOWHERE /* faults only */
};

struct smtp_recipient {
    enum smtp_route route;
    int64_t account; /* ROUTE_MAILBOX */
    char *mailbox;   /* as written, for the trace */
    char *orcpt;     /* RFC 3461, 4.2; NULL: not given */
    char *owner;     /* of the list through which it came: its sender; NULL: of none */
    char *alias;  /* LMTP: the name for which it stands, in the first of its members; else NULL */
    size_t group; /* LMTP: what was one RCPT is answered as one; 0: it stands for itself */
    unsigned notify; /* SMTP_NOTIFY_*; 0: not given */
};
enum {
    SMTP_NOTIFY_NEVER = 1,
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8
};

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };

/* What MAIL and RCPT have said: the transaction. */
struct smtp_envelope {
    bool open;          /* MAIL was accepted */
    char *sender;       /* as written, "" for <> */
    char *envid;        /* RFC 3461, 4.4 */
    bool return_header; /* RET=HDRS */
    bool return_full;   /* RET=FULL */
    bool utf8;          /* SMTPUTF8 */
    enum smtp_body body;
    struct wishes wishes;
    struct smtp_recipient *recipients;
    size_t count, room;
    unsigned long long size; /* of SIZE=; 0: not told */
    size_t refused;          /* recipients that do not exist; only a fault answers for them */
};

/* A reply that says no. */
struct smtp_refusal {
    int code;
    const char *enhanced, *why;
};

struct smtp {
    struct conn *conn;
    enum smtp_doing doing;
    const char *verb; /* what is being answered, for the trace: "?" unknown, "." the end of text */
    bool lmtp, submission;
    bool splitting; /* by a fault: pieces of a line that is too long count as lines */
    bool skipping;  /* inside a line that was too long */
    size_t scanned; /* bytes at the front of the input that hold no line end */
    char *helo;     /* NULL: no hello yet */
    bool esmtp;     /* it was EHLO or LHLO */
    unsigned errors, failed_logins;
    bool xclient;                /* its word counts in XCLIENT */
    char *told_name, *told_helo; /* what XCLIENT said; NULL: nothing */
    char told_protocol;          /* 'S'MTP, 'E'SMTP; 0: nothing */
    unsigned transactions;       /* MAIL commands so far, good ones and bad ones (RFC 9422, 4.1) */
    char **domains;              /* of the recipients of this session, each once (RFC 9422, 4.3) */
    size_t domain_count;

    struct sasl *sasl;
    bool sasl_said_all; /* success data are out, an empty response is due */
    bool logged_in;
    struct account *account; /* NULL while logged_in: anonymous */

    struct smtp_envelope envelope;
    struct smtp_dot dot;
    struct buf message; /* the text as it arrives */
    uint64_t chunk_left;
    bool chunk_last;
    bool chunks_begun;  /* a BDAT of this transaction was accepted */
    bool chunks_failed; /* one was refused: only RSET and the like help */
    const struct smtp_refusal
        *chunk_refusal; /* said once the chunk is swallowed; NULL: it is good */
    bool holding;       /* replies go there */
    struct buf held;    /* replies that a fault keeps back */
    /* What faults remember. */
    bool after_last;         /* the last transaction ended by BDAT with LAST */
    bool used_bdat;          /* a chunk was taken in this session */
    bool to_line_end;        /* what comes up to there is thrown away */
    bool text_stays;         /* RSET has left the text of chunks */
    bool chunks_lost;        /* what was too much of them was dropped without a word */
    size_t answered;         /* recipients of LMTP for whom there was an answer */
    unsigned long long read; /* octets of this text */
};

extern const struct trace_reason smtp_reasons[];

/* Writes one reply: code, enhanced code (NULL: none, RFC 2034, 4) and text. Refusals of syntax and
 * order are counted. */
void smtp_reply(struct smtp *s, int code, const char *enhanced, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A refusal; by a fault with the client's text behind it, as it came. */
void smtp_refuse_echo(struct smtp *s, int code, const char *enhanced, const char *why,
                      const char *text);
/* One line of a reply of several; more: others follow. */
void smtp_reply_line(struct smtp *s, int code, bool more, const char *enhanced, const char *fmt,
                     ...) __attribute__((format(printf, 5, 6)));
/* 421 with the reason, and the end of the session. */
void smtp_goodbye(struct smtp *s, const char *enhanced, const char *why);
void smtp_envelope_clear(struct smtp_envelope *e);
/* How many replies the text gets: one, or in LMTP one for each RCPT that was taken. */
size_t smtp_answers(const struct smtp *s, const struct smtp_envelope *e);
/* Ends the transaction: envelope, text and chunks. */
void smtp_reset(struct smtp *s);
/* Forgets everything the client has said (RFC 3207, 4.2). */
void smtp_forget(struct smtp *s);
void smtp_greet(struct smtp *s);
void smtp_rearm(struct smtp *s); /* the client has its full time again */
struct smtp *smtp_of(struct conn *c);
/* A fault: while one session sends its text nobody else is greeted. The session has ended that. */
void smtp_queue_moves(struct smtp *s);

/* A line that is a command, without its CR LF. NUL-terminated besides. */
void smtp_command(struct smtp *s, char *line, size_t n);
/* Whether the line begins with a command's name. */
bool smtp_knows_command(const struct smtp *s, const char *line);
/* A line that is a response of a SASL exchange; too_long: it was, and line means nothing. */
void smtp_auth_response(struct smtp *s, char *line, size_t n, bool too_long);
void smtp_auth_mechanisms(struct smtp *s, struct buf *out);
/* Octets of a chunk; returns how many it took. */
size_t smtp_chunk(struct smtp *s, const unsigned char *p, size_t n);
/* The command was answered by a rule; if it is BDAT its octets still come, and mean nothing. */
void smtp_bdat_skip(struct smtp *s, const char *line);
/* Text behind DATA; returns how many bytes it took. */
size_t smtp_text(struct smtp *s, const unsigned char *p, size_t n);
/* The connection ended inside the text: only a fault makes something of it. */
void smtp_text_cut(struct smtp *s);

/* The commands. arg is what stands behind the verb and its space, NUL-terminated, printable (UTF-8
 * where allowed). */
typedef void smtp_verb(struct smtp *s, const char *arg, size_t n);
struct smtp_offer;
/* What this session offers, now. */
struct smtp_offer smtp_offers(const struct smtp *s);
bool smtp_has_etrn(const struct smtp *s);
bool smtp_may_etrn(const struct smtp *s);
/* Whether the client has as much mail kept back as it may: it is refused with smtp_held_too_much.
 */
bool smtp_holds_too_much(const struct smtp *s);
extern const struct smtp_refusal smtp_held_too_much;
/* Whether the client is one of ours, who may send to other hosts. */
bool smtp_may_relay(const struct smtp *s);

smtp_verb smtp_etrn, smtp_xclient;
/* By a fault: a line that is a PROXY header, and is obeyed without an answer. */
bool smtp_late_proxy(struct smtp *s, const char *line);
smtp_verb smtp_ehlo, smtp_helo, smtp_mail, smtp_rcpt, smtp_data, smtp_bdat, smtp_rset, smtp_noop,
    smtp_quit, smtp_vrfy, smtp_expn, smtp_help, smtp_starttls, smtp_auth;

#endif
