/* Logins with the account that the user gave. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_MAIL_LOGIN_H
#define HARNESS_PORTS_MAIL_LOGIN_H

#include "ports/dial/dial.h"

/* A session inside TLS, logged in. NULL: no account, no connection, or the login was refused. */
struct conn *login_session(struct port *p);
/* A login on a session that stands. */
enum reply_kind login_again(struct port *p, struct conn *c, struct reply *r);

#endif
