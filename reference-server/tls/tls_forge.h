/* What a server says on a socket where a handshake is about to begin, when a fault wants it to say
 * what OpenSSL never says. SPDX-License-Identifier: MIT */
#ifndef SERVER_TLS_FORGE_H
#define SERVER_TLS_FORGE_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "net/conn.h"

enum forge {
    FORGE_NOTHING, /* no fault has an opinion: OpenSSL goes on */
    FORGE_WAIT,    /* more bytes are needed */
    FORGE_CLEAR,   /* no TLS begins: the session goes on in clear */
    FORGE_ENDED    /* all is said: end the connection */
};

/* Looks at what has come on fd, without taking it, before the handshake of c has begun. starttls: a
 * session in clear came before. */
enum forge tls_forge(const struct conn *c, int fd, bool starttls);

/* A socket BIO that leaves records out, or answers them by itself; NULL where no fault wants that.
 */
BIO *tls_forge_bio(SSL *ssl, int fd);

#endif
