/* The beginning of connections, before there is a session. SPDX-License-Identifier: MIT */
#include "net/entrance.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "base/log.h"
#include "fault.h"
#include "net/guard.h"
#include "server.h"

enum { RATE_FAULT = 20 }; /* connections before the rate-limit fault sends everybody away */

static void address(const struct sockaddr_storage *a, char *out, size_t size, uint16_t *port)
{
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)a;
        inet_ntop(AF_INET, &v4->sin_addr, out, (socklen_t)size);
        *port = ntohs(v4->sin_port);
    } else if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)a;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, (socklen_t)size);
        else
            inet_ntop(AF_INET6, &v6->sin6_addr, out, (socklen_t)size);
        *port = ntohs(v6->sin6_port);
    } else {
        snprintf(out, size, "127.0.0.1"); /* a socket pair: tests */
        *port = 0;
    }
}

void entrance_ends(int fd, struct ends *out)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    a.ss_family = AF_UNSPEC;
    getpeername(fd, (struct sockaddr *)&a, &n);
    address(&a, out->peer, sizeof out->peer, &out->peer_port);
    n = sizeof a;
    a.ss_family = AF_UNSPEC;
    getsockname(fd, (struct sockaddr *)&a, &n);
    address(&a, out->local, sizeof out->local, &out->local_port);
}

void entrance_refuse(struct server *s, const struct protocol *protocol, bool tls, int fd,
                     bool permanent, const char *why)
{
    char line[400], scrap[4096];
    int len = 0;
    if (protocol == &imap_protocol)
        len = snprintf(line, sizeof line, "* BYE %s\r\n", why);
    else if (protocol == &pop3_protocol)
        len = snprintf(line, sizeof line, "-ERR [SYS/%s] %s\r\n", permanent ? "PERM" : "TEMP", why);
    else if (protocol == &smtp_protocol)
        len = snprintf(line, sizeof line, "%s %s %s\r\n", permanent ? "554 5.7.0" : "421 4.7.0",
                       s->hostname, why);
    /* What lies unread would make the kernel send RST, which can overtake our words. */
    while (recv(fd, scrap, sizeof scrap, MSG_DONTWAIT) > 0)
        continue;
    if (!tls && len > 0 && send(fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        len = 0; /* it is gone already */
    shutdown(fd, SHUT_WR);
    close(fd);
}

bool entrance_admits(struct server *s, const struct protocol *protocol, bool tls, int fd,
                     const char *peer)
{
    char words[128];
    const char *why = "connections";
    bool limited = fault(FAULT_PORT_RATE_LIMIT) && s->conn_total >= RATE_FAULT;
    if (limited || (long)s->conn_count >= s->limits.connections) {
        snprintf(words, sizeof words, "Too many connections");
    } else if (!guard_enter(s, peer)) {
        why = "connections_per_address";
        snprintf(words, sizeof words, "Too many connections from %s", peer);
    } else {
        return true;
    }
    log_event("refused", "s:s, s:s", "peer", peer, "why", why);
    entrance_refuse(s, protocol, tls, fd, false, words);
    return false;
}
