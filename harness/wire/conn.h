/* One client connection whose every byte the script controls and the driver remembers.
 *
 * All connections of a scenario belong to one `struct loop`: whoever waits, the loop listens to all
 * of them and stamps what arrives with its time, so a script is one line of time and needs no
 * threads. Nothing here knows a protocol: parsers read `conn_input` and say how much they took.
 *
 * Times are seconds (double) since the loop was made, from CLOCK_MONOTONIC.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_WIRE_CONN_H
#define HARNESS_WIRE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct loop;
struct conn;
struct ssl_st; /* OpenSSL's SSL */

enum conn_dir { CONN_SENT, CONN_RECEIVED };

/* WIRE: what TCP carried, ciphertext once TLS runs. TEXT: what the protocol said inside TLS; before
 * TLS there is no TEXT event, because the wire is the text. */
enum conn_layer { CONN_WIRE, CONN_TEXT };

/* How a connection ended, as seen from here. */
enum conn_end {
    CONN_OPEN,         /* it has not ended */
    CONN_CLOSE_NOTIFY, /* TLS said goodbye (RFC 8446, 6.1); the FIN may or may not have come yet */
    CONN_FIN,          /* FIN; inside TLS that is a truncation, no close_notify came first */
    CONN_RESET,        /* RST */
    CONN_TLS_ALERT,    /* the peer sent a fatal alert, or its TLS records were nonsense */
    CONN_OVERFLOW,     /* it sent more than the input limit; the driver hung up */
    CONN_LOCAL         /* the script closed it */
};

/* The facts of a finished (or failed) handshake. Strings are valid while the connection lives; "" =
 * none. */
struct conn_tls {
    bool tried; /* a handshake began; false after a failed conn_starttls: the options were unusable,
                 * which is our own trouble and not the server's */
    bool done;  /* the handshake completed */
    const char *version;   /* "TLSv1.3" */
    const char *cipher;    /* "TLS_AES_256_GCM_SHA384" */
    const char *group;     /* OpenSSL's name: "x25519", "secp256r1" */
    const char *alpn;      /* protocol that the server chose */
    const char *sni;       /* name that we sent */
    bool chain_ok;         /* the chain leads to a trusted authority and is in date */
    const char *chain_why; /* OpenSSL's reason when it does not */
    bool name_ok; /* a certificate name matches the host asked for (RFC 9525); judged apart */
    const char *subject; /* one line */
    const char *issuer;
    const char *not_after;   /* ISO 8601 */
    const char *fingerprint; /* SHA-256 of the certificate, hex */
    const char *alert;       /* fatal alert sent or received, "handshake_failure"; "" = none */
    unsigned char binding_exporter[32]; /* RFC 9266; all zero before TLS is done */
    unsigned char binding_unique[64];   /* RFC 5929 tls-unique, TLS 1.2 and older */
    size_t binding_unique_len;
    unsigned char finished[64]; /* our Finished message in any version: wrong as a binding in 1.3 */
    size_t finished_len;
    unsigned char binding_end_point[64]; /* RFC 5929 tls-server-end-point */
    size_t binding_end_point_len;
    bool resumed;
};

/* What the recorder is told; every pointer may be NULL. Bytes are borrowed for the call.
 * `offset` counts bytes of that direction and layer from 0. */
struct conn_watch {
    void *arg;
    void (*opened)(void *arg, const struct conn *c, double at);
    void (*bytes)(void *arg, const struct conn *c, enum conn_dir dir, enum conn_layer layer,
                  double at, uint64_t offset, const unsigned char *p, size_t n);
    void (*tls)(void *arg, const struct conn *c, double at, const struct conn_tls *facts);
    void (*keylog)(void *arg, const struct conn *c, double at, const char *line);
    void (*ended)(void *arg, const struct conn *c, double at, enum conn_end how);
    /* We sent FIN (by closing, wholly or half) or RST; each is told once, before `ended` if that
     * follows. */
    void (*closed)(void *arg, const struct conn *c, double at, bool reset);
    void (*waits)(void *arg); /* nothing happens until a connection or the clock moves */
};

/* *watch is copied. The loop's clock starts now. Out of memory ends the process. */
struct loop *loop_new(const struct conn_watch *watch);
/* Closes and frees every connection that is left. NULL does nothing. */
void loop_free(struct loop *l);
double loop_now(const struct loop *l);

struct conn_address {
    const char *host; /* name or literal, IPv4 or IPv6 ("::1", without brackets) */
    uint16_t port;
    const char *source; /* local address to bind, or NULL */
    int family;         /* AF_UNSPEC, AF_INET, AF_INET6 */
};

struct conn_tls_options {
    bool accept;             /* be the server of this handshake: the rest, up to prepare, counts for
                                nothing; prepare gives the SSL its certificate */
    const char *sni;         /* server_name to send; NULL sends none */
    const char *verify_name; /* name or address to hold the certificate against; NULL: none, name_ok
                                false */
    const char *ca_file;     /* PEM; NULL: the system's */
    const char *min_version; /* "TLSv1.2"; NULL: what OpenSSL allows */
    const char *max_version;
    const char *ciphers;      /* OpenSSL list for TLS 1.2 and older, NULL default */
    const char *ciphersuites; /* TLS 1.3 */
    const char *groups;
    const char *alpn;      /* comma-separated, "imap"; NULL sends none */
    const char *cert_file; /* client certificate and key, PEM; NULL none */
    const char *key_file;
    /* Called with the handshake's own SSL before the ClientHello is made, for what no field above
     * says (a session to resume, an extension); NULL: nothing. */
    void (*prepare)(struct ssl_st *ssl, void *arg);
    void *prepare_arg;
};

/* Resolves, connects, returns when TCP is up. *out belongs to the loop; conn_free frees it earlier.
 * name is the script's word for it ("c1"); both are copied. -1 with words: unknown name, refused,
 * timed out. */
int conn_open(struct loop *l, const char *name, const struct conn_address *to, int timeout_ms,
              struct conn **out, struct err *err);
/* Waits for a client at a listening socket, which stays the caller's, and makes a connection of it:
 * the other side then speaks as a client does. 1 with *out; 0 when nobody came in time; -1 with
 * words. */
int conn_accept(struct loop *l, const char *name, int listener, int timeout_ms, struct conn **out,
                struct err *err);
void conn_free(struct conn *c);

const char *conn_name(const struct conn *c);
int conn_number(const struct conn *c); /* 1, 2, … in order of opening */
void conn_peer(const struct conn *c, char *host, size_t size, uint16_t *port); /* numeric */
void conn_local(const struct conn *c, char *host, size_t size, uint16_t *port);
int conn_fd(const struct conn *c);

/* Sends n bytes, through TLS when it runs; returns when the kernel has taken them all. While it
 * waits it reads what the server says, so that two sides that talk at once do not lock up. 0, or -1
 * when the connection ended or timeout_ms passed (err says how much went out). */
int conn_write(struct conn *c, const void *p, size_t n, int timeout_ms, struct err *err);

/* Waits, listening to all connections, for timeout_ms with nothing else to do. */
void conn_pause(struct loop *l, int timeout_ms);

/* From now on TLS records (or plain bytes) leave in pieces of at most segment_bytes with pause_ms
 * between them; 0, 0 is as it was. Each piece is one send() with TCP_NODELAY. */
void conn_segment(struct conn *c, size_t segment_bytes, int pause_ms);

/* The text that arrived and was not taken yet; borrowed until the next call on any connection.
 * *at is when its last byte came. Returns the number of bytes. */
size_t conn_input(const struct conn *c, const unsigned char **p, double *at);
/* Marks the next n bytes as taken by a parser. They stay in conn_history. */
void conn_took(struct conn *c, size_t n);
/* Everything that the server ever said on this connection (text layer), taken or not. */
size_t conn_history(const struct conn *c, const unsigned char **p);
/* When the text byte at this offset of the history arrived. */
double conn_when(const struct conn *c, uint64_t offset);

/* Waits until there are more than `have` untaken bytes. 1: there are. 0: time ran out. -1: the
 * connection ended and there will be none (conn_ended says how, err in words). timeout_ms 0 looks
 * only at what has arrived. */
int conn_fill(struct conn *c, size_t have, int timeout_ms, struct err *err);

enum conn_end conn_ended(const struct conn *c);
/* Whether TCP's own end (FIN or RST) has come: after CONN_CLOSE_NOTIFY and CONN_TLS_ALERT it may be
 * missing. */
bool conn_hung_up(const struct conn *c);
/* Words for a report: "closed (FIN)", "reset", … */
const char *conn_end_words(enum conn_end e);

/* Runs the client's handshake on top of what is there. Untaken plaintext stays where it is and is
 * reported as input that came before TLS. 0, or -1 with words; facts are in conn_tls in both cases.
 */
int conn_starttls(struct conn *c, const struct conn_tls_options *o, int timeout_ms,
                  struct err *err);
const struct conn_tls *conn_tls_facts(const struct conn *c); /* never NULL */
bool conn_in_tls(const struct conn *c);
/* The SSL of a connection on which a handshake was begun, to look at; NULL before. It belongs to
 * the connection. */
struct ssl_st *conn_openssl(const struct conn *c);
/* Sends what was made by calls on conn_openssl itself: a key update, a renegotiation. */
void conn_flush_openssl(struct conn *c);
/* Offset in conn_history of the first byte that came through TLS; all before it came in clear.
 * While TLS does not run that is the whole history. */
uint64_t conn_text_begin(const struct conn *c);
/* Bytes that arrived in clear, untaken, when the handshake began: a server that answered too early.
 */
size_t conn_plaintext_left(const struct conn *c);

void conn_shutdown(
    struct conn *c);             /* half close: close_notify inside TLS, then FIN; can still read */
void conn_close(struct conn *c); /* close_notify inside TLS, FIN both ways */
void conn_close_rude(struct conn *c); /* FIN without close_notify */
void conn_reset(struct conn *c);      /* RST */

/* The most bytes kept of one server's talk on one connection; past it the end is CONN_OVERFLOW. */
#define CONN_INPUT_LIMIT ((size_t)64 * 1024 * 1024)
/* Sets another limit for this connection; what is there already is kept. */
void conn_limit(struct conn *c, size_t bytes);

/* Has OpenSSL load what every handshake needs, so that processes forked afterwards do not each pay
 * for it: about 1 ms, and with system_trust (for handshakes without a ca_file) 15 ms more. ca_file:
 * whom they will trust most often, or NULL. What cannot be had is missed at the handshake. */
void conn_warm_tls(const char *ca_file, bool system_trust);

#endif
