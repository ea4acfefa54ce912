/* One client: its socket, TLS, input and output, deadline. Protocols are state machines that are
 * fed input and write output; they never read, never wait, never see a file descriptor.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

struct server;
struct conn;
struct script;
struct ends;
struct tls_identity;

enum service {
    SERVICE_SMTP,
    SERVICE_SUBMISSION,
    SERVICE_SUBMISSIONS,
    SERVICE_LMTP,
    SERVICE_IMAP,
    SERVICE_IMAPS,
    SERVICE_POP3,
    SERVICE_POP3S,
    SERVICE_COUNT
};

/* A protocol: how its sessions are driven. All calls come from the loop thread. */
struct protocol {
    const char *name;             /* "smtp" */
    size_t session_size;          /* zeroed memory that conn->session points to */
    void (*open)(struct conn *c); /* connected (implicit TLS: handshake done): write the greeting */
    /* Bytes are in c->in, or c->eof is set: take complete commands (buf_consume) until none is
     * left, the session is parked, TLS begins or it closes. Called again whenever one of these
     * changes. */
    void (*input)(struct conn *c);
    void (*secured)(struct conn *c); /* STARTTLS handshake done; c->in is empty */
    void (*drained)(struct conn *c); /* output fell below the low mark: a FETCH or RETR in pieces
                                        goes on; or NULL */
    void (*timeout)(struct conn *c); /* the deadline passed: say goodbye and conn_close */
    void (*shutdown)(
        struct conn *c); /* the server stops: "421" / "* BYE" / nothing, then conn_close */
    void (*close)(struct conn *c); /* the last call: release what the session holds; parked work may
                                      still be under way */
};

struct conn {
    struct server *server;
    const struct protocol *protocol;
    enum service service;
    void *session;
    unsigned number;       /* 1, 2, … counted over the life of the server */
    unsigned command;      /* the protocol counts its commands here, for faults */
    struct buf in;         /* decrypted input, not yet consumed */
    bool eof;              /* the client will say no more */
    bool parked;           /* waits for the store: input is not called until conn_resume */
    bool closing;          /* conn_close was called */
    bool receiving;        /* the protocol's: a message is on its way in, and has to keep pace */
    long failed_logins;    /* guard.c's */
    char user[128];        /* who has logged in; guard.c's, too */
    struct script *script; /* script.c's */
    int64_t began_ms;
    uint64_t bytes_in, bytes_out; /* on the wire, or inside TLS */
    const char *cut_off;          /* why it ended before its time; NULL: it did not */
    char peer[64], local[64];     /* numeric addresses */
    uint16_t peer_port, local_port;
    /* TLS facts, after the handshake */
    bool tls, tls_resumed;
    char tls_version[16], tls_cipher[64], tls_sni[256];
    char tls_client_subject[256]; /* verified client certificate's e-mail or CN; "" none */
    unsigned char binding_exporter[32], binding_unique[64], binding_end_point[64];
    size_t binding_unique_len, binding_end_point_len;
};

/* Input that is read ahead of the protocol; a command that needs more at once has to consume as it
 * comes. */
enum { CONN_INPUT_BYTES = 256 * 1024, CONN_HIGH_MARK = 256 * 1024, CONN_LOW_MARK = 64 * 1024 };

/* Queues output; it goes out after the current input call (one write for a pipelined batch). Past
 * the output limit the session is cut off. */
void conn_write(struct conn *c, const void *p, size_t n);
void conn_text(struct conn *c, const char *s);
void conn_printf(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t conn_queued(const struct conn *c); /* output bytes not yet sent */
bool conn_full(const struct conn *c);     /* above the high mark: produce no more until `drained` */

/* After the output is flushed: begin the server's side of a TLS handshake. Unread plaintext is
 * dropped (the keeps-buffer faults keep it). -1 when no certificate is configured: then TLS should
 * not have been announced. */
int conn_starttls(struct conn *c);
/* It was called and the handshake has not begun: take no more input. */
bool conn_starting_tls(const struct conn *c);
void conn_close(struct conn *c); /* after the output is flushed, with close_notify inside TLS */
void conn_abort(struct conn *c); /* now, RST */
/* 0: none. Input does not move it: the protocol does. */
void conn_deadline(struct conn *c, int64_t in_ms);

/* Asynchronous work: park before, resume from the completion (loop thread). A connection that ended
 * meanwhile is kept until conn_resume, its protocol's close was called already and conn_gone says
 * so. */
void conn_park(struct conn *c);
void conn_resume(struct conn *c);
bool conn_gone(const struct conn *c);

/* Holds back output and further commands for a time; a longer hold replaces a shorter one. */
void conn_hold(struct conn *c, int64_t ms);

/* Counts a command of the session, for faults that are bound to one; the protocol calls it before
 * it obeys. */
void conn_command(struct conn *c);
/* The protocol has read a command and is about to obey it: rules may have something else in mind,
 * and then it is false. See script_allows. */
bool conn_allows(struct conn *c, const char *line, const char *before, size_t answers);
/* Says that faults are asked for on behalf of this connection; a completion calls it before it asks
 * for one. */
void conn_scope(const struct conn *c);

/* --- for the listeners, the control socket and tests --- */
/* Starts a session on a connected stream socket, which is taken. tls: the handshake comes first.
 * NULL: fd was closed. */
struct conn *conn_start(struct server *s, enum service service, const struct protocol *protocol,
                        bool tls, int fd);
/* The same for a client that is not where the socket says. */
struct conn *conn_start_as(struct server *s, enum service service, const struct protocol *protocol,
                           bool tls, int fd, const struct ends *ends);
/* Says goodbye to every connection (protocol->shutdown), or cuts them all off at once. */
void conn_shutdown_all(struct server *s);
void conn_abort_all(struct server *s);

#endif
