/* Who comes in: the addresses of a new connection, whether there is room for it, and the words for
 * whom we do not take. SPDX-License-Identifier: MIT */
#ifndef SERVER_ENTRANCE_H
#define SERVER_ENTRANCE_H

#include "net/conn.h"

/* Both ends of a connection, numeric. */
struct ends {
    char peer[64], local[64];
    uint16_t peer_port, local_port;
};

/* As the socket knows them. */
void entrance_ends(int fd, struct ends *out);
/* Tells the client in its protocol's words, as far as it could read them (inside implicit TLS it
 * could not), and closes fd. permanent: it need not come again. */
void entrance_refuse(struct server *s, const struct protocol *protocol, bool tls, int fd,
                     bool permanent, const char *why);
/* Counts a connection of this peer. False: there are too many, it was told so, fd is closed. */
bool entrance_admits(struct server *s, const struct protocol *protocol, bool tls, int fd,
                     const char *peer);

#endif
