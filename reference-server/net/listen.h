/* Listening sockets, and the connections that they give. SPDX-License-Identifier: MIT */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "base/err.h"
#include "server.h"

struct listener;

/* Listens for a service on a numeric address; port 0 takes a free one. */
int listen_open(struct server *s, enum service service, const char *address, uint16_t port,
                struct listener **out, struct err *err);
void listen_close(struct listener *l); /* connections that it gave go on */
uint16_t listen_port(const struct listener *l);
const char *listen_where(const struct listener *l); /* "127.0.0.1:2525", "[::1]:2525" */
enum service listen_service(const struct listener *l);

#endif
