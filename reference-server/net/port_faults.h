/* Ports that are not what they should be. SPDX-License-Identifier: MIT */
#ifndef SERVER_PORT_FAULTS_H
#define SERVER_PORT_FAULTS_H

#include "net/conn.h"

/* Before a session starts: a fault may make it one of another mode or protocol. */
void port_faults_swap(enum service *service, const struct protocol **protocol, bool *tls);
/* Behind the greeting: a fault may hold it back, or drop it. out: what is about to be sent. */
void port_faults_greeting(struct conn *c, struct buf *out);
/* A socket of implicit TLS on which nothing has been said yet. */
void port_faults_waiting(struct conn *c, int fd);

/* Less than a record of the handshake has come: whether the client has gone away meanwhile. */
bool port_faults_gone(int fd);
/* A handshake is about to go on: whether the fault hangs up instead. */
bool port_faults_tired(void);

#endif
