/* One session with another SMTP server, from connect to QUIT: hello, TLS, login, then messages, one
 * after another. RFC 5321 as a client; RFC 2920 (PIPELINING), 1870 (SIZE), 6152 (8BITMIME), 6531
 * (SMTPUTF8), 3461 (DSN), 3207 (STARTTLS), 7672 (DANE), 8689 (REQUIRETLS), 4954 (AUTH), 9422
 * (LIMITS). SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_CLIENT_H
#define SERVER_QUEUE_CLIENT_H

#include <openssl/ssl.h>

#include "base/clock.h"
#include "dns/dns.h"
#include "net/loop.h"
#include "queue/wishes.h"

#include <sys/socket.h>

struct client;

enum client_tls {
    CLIENT_TLS_NEVER,
    CLIENT_TLS_MAY,      /* where it is offered; whose certificate it is does not matter */
    CLIENT_TLS_MUST,     /* or no mail */
    CLIENT_TLS_VERIFIED, /* and the certificate is made out to the host by someone who is trusted */
    CLIENT_TLS_DANE,     /* and the certificate is what TLSA records say */
};

/* What became of one recipient, or of a connection. */
enum client_verdict {
    CLIENT_NOTHING, /* nothing yet */
    CLIENT_TAKEN,   /* the other server is responsible now */
    CLIENT_LATER,   /* 4yz, or no connection */
    CLIENT_NEVER,   /* 5yz */
};
struct client_outcome {
    enum client_verdict verdict;
    char status[12];      /* RFC 3463: "5.1.1" */
    char diagnostic[400]; /* what the server said, or our own words */
    bool from_server;     /* it is what the server said */
};

struct client_options {
    struct loop *loop;
    struct clock *clock;
    struct client **all;   /* the list that it is put into */
    const char *hostname;  /* what we call ourselves */
    const char *peer_name; /* the host's name, for SNI and certificates; valid until client_close */
    const struct sockaddr *address;
    socklen_t address_len;
    enum client_tls tls;
    SSL_CTX *ctx; /* NULL: no TLS */
    const struct dns_record *tlsa;
    size_t tlsa_count;
    const char *tlsa_base;       /* a second name that DANE-TA lets certificates have; or NULL */
    const char *user, *password; /* NULL: no login */
    bool requiretls;             /* no use without REQUIRETLS (RFC 8689) */
    bool lmtp;                   /* RFC 2033 in the place of SMTP */
    int64_t connect_ms;
    size_t most_output;
    /* The session is ready for mail: called once. */
    void (*ready)(void *arg);
    /* There is no session (any more). If a message was on its way, its done came first. */
    void (*ended)(void *arg, const struct client_outcome *why);
    void *arg;
};

struct client_recipient {
    const char *address, *orcpt; /* orcpt as ORCPT= has it, or NULL */
    const char *notify;          /* as NOTIFY= has it, or NULL */
    const char *notify_by;       /* the same where BY goes to a server without DELIVERBY */
    struct client_outcome outcome;
};

/* A message; stays the caller's, unmoved, until done. */
struct client_mail {
    const char *sender, *envid; /* envid as ENVID= has it, or NULL */
    const char *ret;            /* "FULL", "HDRS" or NULL */
    bool utf8;                  /* an address or a header field is not ASCII */
    bool eight_bit;             /* the text is not ASCII */
    bool binary;                /* it is BINARYMIME: lines may be anything (RFC 3030) */
    const struct wishes *wishes;
    int64_t arrival_s;         /* wall clock */
    const unsigned char *data; /* lines end with CR LF */
    size_t len;
    struct client_recipient *recipients;
    size_t count;
    size_t settled; /* those that have an outcome for good; 0 before client_send. At done it is less
                       than count where the session takes no more: the others want another one */
    bool passed_by; /* out: the server knows DELIVERBY */
    bool passed_dsn;         /* out: the server took over RET, ENVID, NOTIFY and ORCPT */
    void (*done)(void *arg); /* every recipient has an outcome, or see settled */
    void *arg;
};

/* NULL: it cannot even be tried; *why says it. */
struct client *client_open(const struct client_options *o, struct client_outcome *why);
/* After ready or done only. */
void client_send(struct client *c, struct client_mail *m);
/* Says QUIT if nothing is under way, and closes; no calls after this. */
void client_close(struct client *c);
/* At the end: cuts off every session of the list, those that wait for the answer to QUIT included.
 * The loop has to run once more. */
void client_abort_all(struct client **all);
bool client_secure(const struct client *c);
bool client_tls_broke(const struct client *c); /* it ended because the handshake failed */
unsigned client_sent(const struct client *c);  /* messages so far */
bool client_idle(const struct client *c);      /* between messages, and usable */
/* Whether the session takes another message, to this domain, as the server's LIMITS are (RFC 9422).
 */
bool client_fits(struct client *c, const char *domain);
bool client_spent(const struct client *c); /* it takes none at all any more */

/* An outcome in our own words. */
void client_says(struct client_outcome *o, enum client_verdict verdict, const char *status,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
