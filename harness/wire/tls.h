/* The client's side of TLS as a machine without a socket: ciphertext goes in, text comes out, and
 * what has to be sent waits in an output that the connection empties, whole or in pieces. That is
 * how the driver can cut records, delay them, and remember both layers. OpenSSL with memory BIOs.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_WIRE_TLS_H
#define HARNESS_WIRE_TLS_H

#include "err.h"
#include "wire/buf.h"
#include "wire/conn.h"

struct tls;

enum tls_step {
    TLS_MORE,   /* fine so far */
    TLS_CLOSED, /* the server sent close_notify: no more text will come */
    TLS_BROKEN  /* fatal alert, or records that are none; err has words */
};

/* What is told while TLS runs; both borrow their bytes for the call. */
struct tls_watch {
    void *arg;
    void (*done)(void *arg, const struct conn_tls *facts); /* before the first text */
    void (*text)(void *arg, const unsigned char *p, size_t n);
    void (*keylog)(void *arg, const char *line);
};

/* A client that has its ClientHello ready in the output. -1 with words when the options cannot be
 * used: our own trouble, nothing was sent. *watch is copied, *o is not needed afterwards. */
int tls_new(const struct conn_tls_options *o, const struct tls_watch *watch, struct tls **out,
            struct err *err);
void tls_free(struct tls *t);

/* As conn_warm_tls. */
void tls_warm(const char *ca_file, bool system);

/* Takes what arrived, in pieces of any size. The text comes through watch->text before it returns.
 */
enum tls_step tls_feed(struct tls *t, const unsigned char *p, size_t n, struct err *err);

/* Encrypts; only when tls_done. */
int tls_write(struct tls *t, const unsigned char *p, size_t n, struct err *err);

/* Says close_notify, if the handshake is done and it was not said before. */
void tls_goodbye(struct tls *t);

/* Moves what has to be sent to the end of *out; false when *out is full. */
bool tls_output(struct tls *t, struct buf *out);

bool tls_done(const struct tls *t);
/* OpenSSL's own object, which stays the machine's. */
struct ssl_st *tls_openssl(const struct tls *t);
const struct conn_tls *tls_facts(const struct tls *t);

#endif
