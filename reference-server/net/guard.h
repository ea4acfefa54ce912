/* What one address may cost us: connections at a time, logins that fail, messages in a minute. An
 * address is an IPv4 address or an IPv6 network of 64 bits, which is what one customer has. Loop
 * thread only. SPDX-License-Identifier: MIT */
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include <stdbool.h>

#include "net/conn.h"

struct guard;

struct guard *guard_new(void);
void guard_free(struct guard *g); /* NULL: nothing */

/* A connection of this numeric address begins. False: it has connections_per_address already, and
 * nothing was counted. */
bool guard_enter(struct server *s, const char *address);
void guard_leave(struct server *s, const char *address);

/* Counts a message or a recipient for the address of the connection and for the user (NULL: none is
 * logged in). 0: it may be; else nothing was counted, and it is so many seconds until it may. */
enum guard_counted { GUARD_MESSAGE, GUARD_RECIPIENT };
long guard_rate(struct conn *c, const char *user, enum guard_counted what);

/* Every protocol calls one of these when a login has ended; user may be NULL (not known). */
void guard_login_succeeded(struct conn *c, const char *user);
/* The reply, written before or after this call, is held back for a time that grows with the
 * failures of this connection and of its address. It is the same whether there is such a user or
 * not. The loopback's failures are counted by connection only: everyone behind a proxy or a webmail
 * comes from there. */
void guard_login_failed(struct conn *c, const char *user);

#endif
