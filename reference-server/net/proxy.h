/* The PROXY protocol, versions 1 and 2, as its specification of 2020/03/05 has it
 * (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt): a proxy tells whom it speaks for
 * before the first byte of the client. Asked of listed peers and taken from nobody else.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_PROXY_H
#define SERVER_PROXY_H

#include <stddef.h>

#include "net/entrance.h"

enum { PROXY_MOST = 2048 }; /* bytes of a header; what version 2 adds beyond that nobody sends */

enum proxy_step { PROXY_MORE, PROXY_DONE, PROXY_WRONG };
/* Reads a header at the start of p, however much of it is there. On success *used are its bytes,
 * and *ends holds the client's ends; *own is set instead where the proxy speaks for itself
 * (UNKNOWN, LOCAL, or addresses that are no internet ones). PROXY_WRONG: *why says what is wrong.
 */
enum proxy_step proxy_parse(const unsigned char *p, size_t n, struct ends *ends, bool *own,
                            size_t *used, const char **why);

/* Waits for a header on fd, which is taken, and starts the session with it; who sends none within
 * handshake_seconds, or something else, is told so. */
void proxy_await(struct server *s, enum service service, const struct protocol *protocol, bool tls,
                 int fd);
void proxy_abort_all(struct server *s); /* those that still wait */

#endif
