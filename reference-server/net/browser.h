/* A browser that was led to a mail port: what it sends would be read as commands, and what the
 * server answers as a page. RFC 9325, 3.8; the ALPACA attacks. SPDX-License-Identifier: MIT */
#ifndef SERVER_BROWSER_H
#define SERVER_BROWSER_H

#include <stdbool.h>

#include "net/conn.h"

/* Whether the first line of a session is a request of HTTP. */
bool browser_speaks(const struct buf *in);
/* Whether it is half a line that may become one: the protocol, which may take input as it comes,
 * waits for the rest of it. */
bool browser_may_speak(const struct buf *in);
/* Ends the session, with a word that holds nothing of what was sent. */
void browser_goodbye(struct conn *c);

#endif
