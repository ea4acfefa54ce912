/* Names and sockets; see net.h. conn.c waits on what is begun here while the loop listens to the
 * rest. SPDX-License-Identifier: MIT */
#include "wire/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A look-up that runs in a thread of glibc's. It lives on the heap because one that cannot be
 * cancelled goes on after we have given up: then it is left behind rather than freed under the
 * resolver's feet. */
struct lookup {
    struct gaicb request;
    struct addrinfo hints;
    struct sigevent silent;
    char host[NI_MAXHOST];
    char port[8];
};

static int look_up(const char *host, const char *port, int family, int timeout_ms,
                   struct addrinfo **out, struct err *err)
{
    struct lookup *q = err_need(calloc(1, sizeof *q));
    (void)snprintf(q->host, sizeof q->host, "%s", host);
    (void)snprintf(q->port, sizeof q->port, "%s", port);
    q->hints = (struct addrinfo){
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    q->request.ar_name = q->host;
    q->request.ar_service = q->port;
    q->request.ar_request = &q->hints;
    q->silent.sigev_notify = SIGEV_NONE;
    struct gaicb *list[1] = {&q->request};
    int rc = getaddrinfo_a(GAI_NOWAIT, list, 1, &q->silent);
    if (rc != 0) {
        free(q);
        return err_set(err, "cannot look up %s: %s", host, gai_strerror(rc));
    }
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    double left = timeout_ms / 1000.0,
           deadline = (double)end.tv_sec + (double)end.tv_nsec / 1e9 + left;
    while ((rc = gai_error(&q->request)) == EAI_INPROGRESS && left > 0) {
        struct timespec wait = {.tv_sec = (time_t)left};
        wait.tv_nsec = (long)((left - (double)wait.tv_sec) * 1e9);
        (void)gai_suspend((const struct gaicb *const *)list, 1, &wait);
        (void)clock_gettime(CLOCK_MONOTONIC, &end);
        left = deadline - ((double)end.tv_sec + (double)end.tv_nsec / 1e9);
    }
    if (rc == EAI_INPROGRESS) {
        if (gai_cancel(&q->request) == EAI_CANCELED)
            free(q);
        return err_set(err, "cannot look up %s: no answer in %d ms", host, timeout_ms);
    }
    *out = q->request.ar_result;
    free(q);
    if (rc != 0)
        return err_set(err, "cannot look up %s: %s", host, gai_strerror(rc));
    return 0;
}

int net_resolve(const struct conn_address *to, int timeout_ms, struct addrinfo **out,
                struct err *err)
{
    char port[8];
    (void)snprintf(port, sizeof port, "%u", (unsigned)to->port);
    if (to->host == NULL || to->host[0] == '\0')
        return err_set(err, "no host name to connect to");
    if (strlen(to->host) >= NI_MAXHOST)
        return err_set(err, "the host name is too long");
    /* A literal needs no resolver, and the resolver's thread costs more than the whole connection.
     */
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    if (getaddrinfo(to->host, port, &hints, out) == 0) {
        if (to->family == AF_UNSPEC || (*out)->ai_family == to->family)
            return 0;
        freeaddrinfo(*out);
        *out = NULL;
        return err_set(err, "%s is no IPv%c address", to->host, to->family == AF_INET ? '4' : '6');
    }
    return look_up(to->host, port, to->family, timeout_ms, out, err);
}

static int bind_source(int fd, int family, const char *source, struct err *err)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *a = NULL;
    if (getaddrinfo(source, NULL, &hints, &a) != 0)
        return err_set(err, "the source address %s is no IP address", source);
    int rc = -1, one = 1;
    if (a->ai_family != family) {
        (void)err_set(err, "the source address %s is of the other address family", source);
        goto out;
    }
    /* The port is chosen at connect: many scenarios from one address do not run out of ports. */
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, a->ai_addr, a->ai_addrlen) != 0) {
        (void)err_set(err, "cannot use the source address %s: %s", source, strerror(errno));
        goto out;
    }
    rc = 0;
out:
    freeaddrinfo(a);
    return rc;
}

int net_begin(const struct addrinfo *to, const char *source, int *out, struct err *err)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, "cannot make a socket");
    if (source != NULL && bind_source(fd, to->ai_family, source, err) != 0)
        goto bad;
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS) {
        (void)err_set(err, "%s", strerror(errno));
        goto bad;
    }
    *out = fd;
    return 0;
bad:
    (void)close(fd);
    return -1;
}

static void tell(const struct sockaddr *a, socklen_t len, struct net_name *out)
{
    char port[8] = "0";
    if (getnameinfo(a, len, out->host, sizeof out->host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        (void)snprintf(out->host, sizeof out->host, "?");
    out->port = (uint16_t)strtoul(port, NULL, 10);
}

int net_finish(int fd, struct net_name *local, struct net_name *peer, struct err *err)
{
    int why = 0, one = 1;
    socklen_t size = sizeof why;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
        return err_errno(err, "getsockopt");
    if (why != 0)
        return err_set(err, "%s", strerror(why));
    struct sockaddr_storage a;
    size = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &size) != 0)
        return err_errno(err, "getsockname");
    tell((struct sockaddr *)&a, size, local);
    size = sizeof a;
    /* A server may reset the connection before it is looked at for the first time. */
    if (getpeername(fd, (struct sockaddr *)&a, &size) != 0)
        return err_set(err, "%s", strerror(errno == ENOTCONN ? ECONNRESET : errno));
    tell((struct sockaddr *)&a, size, peer);
    /* Each send() is a segment of its own: the script decides what goes together, not Nagle. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* TCP lets a client meet itself on a free port of its own range: that is nobody's server. */
    if (local->port == peer->port && strcmp(local->host, peer->host) == 0)
        return err_set(err, "%s", strerror(ECONNREFUSED));
    return 0;
}
