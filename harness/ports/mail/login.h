/* Logins with the account that the user gave. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_MAIL_LOGIN_H
#define HARNESS_PORTS_MAIL_LOGIN_H

#include "ports/port.h"

/* A session inside TLS, logged in. NULL: no account, no connection, or the login was refused. */
struct conn *login_session(struct port *p);

#endif
