/* Names and sockets: resolve, begin to connect, tell addresses as text. Nothing here waits except
 * the look-up of a name, and that ends too. SPDX-License-Identifier: MIT */
#ifndef HARNESS_WIRE_NET_H
#define HARNESS_WIRE_NET_H

#include <netdb.h>
#include <stdint.h>

#include "err.h"
#include "wire/conn.h"

enum { NET_HOST_SIZE = 64 }; /* a numeric IPv6 address with its scope */

struct net_name {
    char host[NET_HOST_SIZE];
    uint16_t port;
};

/* The addresses of to->host, for freeaddrinfo. -1 with words when there is none or the look-up
 * takes longer than timeout_ms. */
int net_resolve(const struct conn_address *to, int timeout_ms, struct addrinfo **out,
                struct err *err);

/* Begins to connect, from `source` unless it is NULL. On 0 *fd is the caller's, does not block, and
 * is writable once net_finish can tell what came of it. */
int net_begin(const struct addrinfo *to, const char *source, int *fd, struct err *err);

/* Whether the connection stands, now that the socket is writable: 0 with both names, or -1 with
 * words. */
int net_finish(int fd, struct net_name *local, struct net_name *peer, struct err *err);

#endif
